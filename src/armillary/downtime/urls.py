from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from armillary.accounts.authentication import ChallengingAuthentication
from armillary.downtime.api import DowntimeViewSet, ReadsOpenly
from armillary.platform.streams import event_stream

_router = SimpleRouter()
_router.register("api", DowntimeViewSet, basename="downtimes")

urlpatterns = [
    path("", include(_router.urls)),
    path(
        "events/",
        event_stream(
            ("downtime.",), permission_classes=(ReadsOpenly,), authentication_classes=(ChallengingAuthentication,)
        ),
        name="downtime-events",
    ),
]
