from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve


class AnswerWithoutSlashMiddleware:
    """Answer ``/api/requests/1`` as ``/api/requests/1/``, for every method.

    Real clients leave the slash out. A redirect would cost a round trip, and would lose the body of a POST.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add the slash when only the address with it exists."""
        if not request.path_info.endswith("/") and _leads_somewhere(f"{request.path_info}/"):
            try:
                resolve(request.path_info)
            except Resolver404:
                request.path_info += "/"
                request.path += "/"
        return self._get_response(request)


def _leads_somewhere(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True
