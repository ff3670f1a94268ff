"""Figures for Prometheus: how many requests, how they ended, how long they took."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from armillary.configuration import Configuration, configuration
from armillary.platform.errors import Forbidden

REQUESTS: Final = Counter("armillary_http_requests_total", "Requests answered.", ("method", "route", "status"))
SECONDS: Final = Histogram(
    "armillary_http_request_seconds",
    "Seconds until the answer began.",
    ("method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
_METHODS: Final = frozenset({*SAFE_METHODS, "POST", "PUT", "PATCH", "DELETE"})


def count_request(request: HttpRequest, status: int, seconds: float) -> None:
    """Count one answered request, under its route (never its address: that would be a series per object)."""
    route = request.resolver_match.route if request.resolver_match else "unknown"
    method = request.method if request.method in _METHODS else "OTHER"
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)


def multiprocess_directory(settings: Configuration) -> str:
    """Where several web processes put their figures together.

    Whoever starts them creates it empty and names it in ``PROMETHEUS_MULTIPROC_DIR`` before this module is imported.
    """
    return str(settings.data_directory / "metrics")


class MetricsView(APIView):
    """The figures of this server. In production they are for staff: a scraper presents a staff token."""

    schema = None
    permission_classes = ()

    def get(self, request: Request) -> HttpResponse:
        """Answer in Prometheus' text format."""
        settings = configuration()
        if settings.is_production and not request.user.is_staff:
            raise Forbidden("In production, metrics need the API token of a staff account.")
        registry = REGISTRY
        if settings.server_processes > 1:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=multiprocess_directory(settings))  # type: ignore[no-untyped-call]  # the library's
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
