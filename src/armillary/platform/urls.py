from __future__ import annotations

from django.urls import path

from armillary.platform.health import health
from armillary.platform.metrics import MetricsView

urlpatterns = [
    path("health/", health, name="health"),
    path("zpages/health/", health),
    path("metrics", MetricsView.as_view(), name="metrics"),
]
