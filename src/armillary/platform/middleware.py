from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponseBase

from armillary.platform.claims import without_claim
from armillary.platform.errors import page_for
from armillary.platform.metrics import count_request

HEADER: Final = "X-Request-ID"
_ACCEPTABLE_ID: Final = re.compile(r"[\w.-]{8,64}")
_QUIET: Final = frozenset({"/health/", "/zpages/health/", "/metrics"})

logger = structlog.get_logger("armillary.request")


class RequestContextMiddleware:
    """Gives each request a name that all its log lines carry, writes one line about it, and counts it.

    A caller may name the request itself (``X-Request-ID``), so that one name follows a request through several
    services. An in-process call is a request inside a request: the outer one's name and claims come back afterwards.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request under its name."""
        given = request.headers.get(HEADER, "")
        name = given if _ACCEPTABLE_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = name  # type: ignore[attr-defined]  # read by the view that answers failures
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=name), without_claim():
            response = self._get_response(request)
            seconds = time.perf_counter() - began
            count_request(request, response.status_code, seconds)
            _log(request, response, seconds)
        response.headers[HEADER] = name
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer for a page (not for the API, which answers itself) whose service refused or failed."""
        return page_for(request, exception)


def _log(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    if request.path in _QUIET:
        return
    user = getattr(request, "user", None)
    log = logger.warning if response.status_code >= 500 else logger.info
    log(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        user=user.get_username() if user is not None and user.is_authenticated else None,
    )
