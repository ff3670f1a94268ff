from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve

_FORMAT = ".json"


class AnswerWithoutSlashMiddleware:
    """Answer ``/api/requests/1`` and ``/api/requests/1.json`` as ``/api/requests/1/``, for every method.

    Real clients leave the slash out, or name the format. A redirect would cost a round trip, and would lose the body of
    a POST.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Take the address with the slash when only that exists."""
        if not request.path_info.endswith("/"):
            known = f"{request.path_info.removesuffix(_FORMAT)}/"
            if _leads_somewhere(known) and not _leads_somewhere(request.path_info):
                prefix = request.path.removesuffix(request.path_info)
                request.path_info, request.path = known, f"{prefix}{known}"
        return self._get_response(request)


def _leads_somewhere(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True
