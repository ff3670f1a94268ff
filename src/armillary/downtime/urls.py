from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from armillary.accounts.authentication import ChallengingAuthentication
from armillary.downtime.api import CalendarView, DowntimeViewSet, ReadsOpenly
from armillary.platform.streams import event_stream

_router = SimpleRouter()
_router.register("api", DowntimeViewSet, basename="downtimes")

urlpatterns = [
    path("", include(_router.urls)),
    path("calendar/<str:site>.<str:enclosure>.<str:telescope>.ics", CalendarView.as_view(), name="downtime-calendar"),
    path(
        "events/",
        event_stream(
            ("downtime.",), permission_classes=(ReadsOpenly,), authentication_classes=(ChallengingAuthentication,)
        ),
        name="downtime-events",
    ),
]
