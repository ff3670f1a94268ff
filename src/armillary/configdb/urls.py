from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from armillary.accounts.authentication import ChallengingAuthentication
from armillary.configdb.api import VIEWS
from armillary.configdb.history_api import AvailabilityView
from armillary.configdb.permissions import ReadsOpenly
from armillary.platform.streams import event_stream

_router = SimpleRouter()
for _view in VIEWS:
    _router.register(_view.model.resource_name(), _view, basename=_view.model.resource_name())

urlpatterns = [
    path("", include(_router.urls)),
    path("api/availability_history/", AvailabilityView.as_view(), name="configdb-availability"),
    path(
        "events/",
        event_stream(
            ("configdb.",), permission_classes=(ReadsOpenly,), authentication_classes=(ChallengingAuthentication,)
        ),
        name="configdb-events",
    ),
]
