from __future__ import annotations

from rest_framework.routers import SimpleRouter

from armillary.portal.calls.api import ApplicationViewSet, CallViewSet
from armillary.portal.calls.reviews_api import PanelViewSet, ReviewViewSet, UserReviewViewSet

router = SimpleRouter()
router.register("calls", CallViewSet, basename="calls")
router.register("scienceapplications", ApplicationViewSet, basename="scienceapplications")
router.register("scienceapplication-reviews", ReviewViewSet, basename="scienceapplication-reviews")
router.register("scienceapplication-user-reviews", UserReviewViewSet, basename="scienceapplication-user-reviews")
router.register("review-panels", PanelViewSet, basename="review-panels")
