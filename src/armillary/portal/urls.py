from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from armillary.platform.streams import event_stream
from armillary.portal.api import ApiRootView
from armillary.portal.calls.urls import router as calls_router
from armillary.portal.events import KINDS, visible
from armillary.portal.notifications.urls import urlpatterns as notification_urls
from armillary.portal.observations.api import (
    ConfigurationStatusViewSet,
    LastScheduledView,
    ObservationViewSet,
    PublishView,
    ScheduleVersionView,
    ScheduleViewSet,
)
from armillary.portal.observations.realtime_api import RealtimeViewSet
from armillary.portal.proposals.urls import router as proposals_router
from armillary.portal.requestgroups.api import (
    AirmassView,
    DitherView,
    LastChangedView,
    RequestGroupViewSet,
    RequestViewSet,
)
from armillary.portal.requestgroups.demand_api import (
    ContentionView,
    PressureView,
    TelescopeAvailabilityView,
    TelescopeStatesView,
)
from armillary.portal.requestgroups.drafts_api import DraftViewSet
from armillary.portal.requestgroups.instruments_api import InstrumentsView
from armillary.portal.scheduling.api import LeaseView, ReportView, SchedulerView, ScheduleVersionsView
from armillary.portal.subscriptions.api import SubscriptionViewSet

router = SimpleRouter()
router.register("requests", RequestViewSet, basename="requests")
router.register("requestgroups", RequestGroupViewSet, basename="request_groups")
router.register("drafts", DraftViewSet, basename="drafts")
router.register("observations", ObservationViewSet, basename="observations")
router.register("schedule", ScheduleViewSet, basename="schedule")
router.register("realtime", RealtimeViewSet, basename="realtime")
router.register("configurationstatus", ConfigurationStatusViewSet, basename="configuration-status")
router.register("subscriptions", SubscriptionViewSet, basename="subscriptions")

urlpatterns = [
    path("api/events/", event_stream(KINDS, visible=visible), name="portal-events"),
    path("api/configurations/dither/", DitherView.as_view(), name="dither"),
    path("api/airmass/", AirmassView.as_view(), name="airmass"),
    path("api/last_changed/", LastChangedView.as_view(), name="last-changed"),
    path("api/last_scheduled/", LastScheduledView.as_view(), name="last-scheduled"),
    path("api/schedule/version/", ScheduleVersionView.as_view(), name="schedule-version"),
    path("api/schedule/versions/", ScheduleVersionsView.as_view(), name="schedule-versions"),
    path("api/schedule/publish/", PublishView.as_view(), name="schedule-publish"),
    path("api/scheduler/", SchedulerView.as_view(), name="scheduler"),
    path("api/scheduler/lease/", LeaseView.as_view(), name="scheduler-lease"),
    path("api/scheduler/report/", ReportView.as_view(), name="scheduler-report"),
    path("api/instruments/", InstrumentsView.as_view(), name="instruments"),
    path("api/contention/<str:instrument_type>/", ContentionView.as_view(), name="contention"),
    path("api/pressure/", PressureView.as_view(), name="pressure"),
    path("api/telescope_states/", TelescopeStatesView.as_view(), name="telescope-states"),
    path("api/telescope_availability/", TelescopeAvailabilityView.as_view(), name="telescope-availability"),
    path("api/", ApiRootView.as_view(), name="api-root"),
    path("api/", include(router.urls)),
    path("api/", include(proposals_router.urls)),
    path("api/", include(calls_router.urls)),
    path("api/", include(notification_urls)),
]
