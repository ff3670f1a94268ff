"""How refusals and failures become answers: one shape for every component.

Services raise :class:`Refusal`, :class:`Conflict` or :class:`Forbidden`; nothing below the HTTP shell knows a status
code.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import structlog
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views import defaults
from rest_framework.response import Response
from rest_framework.views import exception_handler as standard_handler
from rest_framework.views import set_rollback

from armillary.clients.errors import ClientError, ServiceUnavailable
from armillary.platform.database import is_lock_timeout, is_transient_conflict
from armillary.platform.refusals import Conflict, Forbidden, NestedErrors, PlainRefusal, Refusal

__all__ = [
    "Conflict",
    "Forbidden",
    "PlainRefusal",
    "Refusal",
    "bad_request",
    "exception_handler",
    "is_browser",
    "not_found",
    "page_for",
    "permission_denied",
    "server_error",
]

_NUL: Final = "NUL (0x00)"
_RETRY_AFTER_S: Final = "5"

logger = structlog.get_logger(__name__)


def exception_handler(exception: Exception, context: dict[str, Any]) -> HttpResponseBase | None:
    """Django REST Framework's handler: an answer for everything that is not a bug.

    A bug is handed back (``None``), so that it is logged with its traceback and reported as a 500 by
    :func:`server_error`.
    """
    answer = _answer_to(exception)
    if answer is not None:
        set_rollback()
        return answer
    return standard_handler(exception, context)


def _answer_to(exception: Exception) -> HttpResponseBase | None:
    answer: HttpResponseBase | None = None
    match exception:
        case Conflict():
            answer = Response(_body(exception.errors, key="detail"), status=409)
        case Refusal():
            answer = Response(_body(exception.errors, key="non_field_errors"), status=400)
        case PlainRefusal():
            answer = HttpResponse(str(exception), status=400, content_type="text/html; charset=utf-8")
        case Forbidden():
            answer = Response({"detail": str(exception)}, status=403)
        case DjangoValidationError():
            answer = Response(_field_errors(exception), status=400)
        case ClientError():
            answer = _answer_to_failed_service(exception)
        case IntegrityError() | OperationalError():
            answer = _answer_to_database(exception)
        case ValueError() if _NUL in str(exception):  # PostgreSQL's texts cannot hold it
            answer = Response({"detail": "The request holds a NUL character, which no name has."}, status=400)
    return answer


def _answer_to_failed_service(error: ClientError) -> Response:
    if isinstance(error, ServiceUnavailable):
        logger.warning("service_unavailable", service=error.service, reason=error.reason)
        return Response({"detail": _sentence(error)}, status=503, headers={"Retry-After": _RETRY_AFTER_S})
    logger.error("service_misunderstood", error=str(error))
    return Response({"detail": _sentence(error)}, status=502)


def _answer_to_database(error: IntegrityError | OperationalError) -> Response | None:
    if isinstance(error, OperationalError) and is_lock_timeout(error):
        logger.warning("database_busy", error=str(error))
        body = {"detail": "The database is busy; nothing was changed. Please try again."}
        return Response(body, status=503, headers={"Retry-After": _RETRY_AFTER_S})
    if isinstance(error, IntegrityError) or is_transient_conflict(error):
        logger.warning("database_conflict", error=str(error), exc_info=error)
        body = {"detail": "This contradicts something that was stored meanwhile; nothing was changed."}
        return Response(body, status=409)
    return None


def _body(errors: NestedErrors, *, key: str) -> Any:
    if isinstance(errors, str):
        return {key: errors if key == "detail" else [errors]}
    return errors


def _field_errors(error: DjangoValidationError) -> dict[str, list[str]]:
    if not hasattr(error, "error_dict"):
        return {"non_field_errors": list(error.messages)}
    return {
        "non_field_errors" if field == NON_FIELD_ERRORS else field: messages
        for field, messages in error.message_dict.items()
    }


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def page_for(request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
    """What a view outside of the API answers when a service refuses or fails; ``None`` for a bug."""
    answer = _answer_to(exception)
    if not isinstance(answer, Response):
        return answer
    if not is_browser(request):
        return JsonResponse(answer.data, status=answer.status_code, safe=False)
    detail = answer.data["detail"] if isinstance(answer.data, dict) and "detail" in answer.data else str(exception)
    context = {
        "status": answer.status_code,
        "title": HTTPStatus(answer.status_code).phrase,
        "detail": detail,
        "address": request.get_full_path(),
    }
    return render(request, "platform/failure.html", context, status=answer.status_code)


# --- Django's own error pages: JSON for programs, HTML for browsers


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a malformed request (status 400)."""
    if is_browser(request):
        return defaults.bad_request(request, exception)
    return JsonResponse({"detail": "Bad request."}, status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that the caller may not make (status 403)."""
    if is_browser(request):
        return defaults.permission_denied(request, exception)
    return JsonResponse({"detail": str(exception) or "You do not have permission to perform this action."}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request for an address that leads nowhere (status 404)."""
    if is_browser(request):
        return defaults.page_not_found(request, exception)
    return JsonResponse({"detail": "Not found."}, status=404)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer a request that met a bug (status 500), naming the request so that its log lines can be found."""
    if is_browser(request):
        return defaults.server_error(request)
    body = {"detail": "Something went wrong inside; it has been logged."}
    identifier = getattr(request, "request_id", None)
    return JsonResponse(body | ({"request_id": identifier} if identifier else {}), status=500)


def is_browser(request: HttpRequest) -> bool:
    """Whether a person's browser asks: it names HTML as wanted, and the address is not an API's."""
    return "text/html" in request.headers.get("Accept", "") and "/api/" not in request.path
