from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from armillary.clients.errors import RequestRefused, ServiceUnavailable, UnexpectedAnswer
from armillary.platform import errors
from armillary.platform.paging import refuse_deep_anonymous_paging

NESTED = {"requests": [{}, {"windows": ["Reversed."]}]}


class RaisingView(APIView):
    authentication_classes = ()
    permission_classes = ()
    to_raise: Callable[[], Exception]

    def get(self, request: Request) -> Response:
        del request
        raise self.to_raise()


def answer_to(exception: Exception) -> Any:
    view = RaisingView.as_view(to_raise=lambda: exception)
    return view(APIRequestFactory().get("/api/things/"))


RaisingView.to_raise = staticmethod(Exception)  # as_view() wants the attribute to exist


@pytest.mark.parametrize(
    ("exception", "status", "body"),
    [
        (errors.Refusal("Too late."), 400, {"non_field_errors": ["Too late."]}),
        (errors.Refusal(NESTED), 400, NESTED),
        (errors.Refusal(["Not in this state."]), 400, ["Not in this state."]),
        (errors.Conflict("The plan is stale."), 409, {"detail": "The plan is stale."}),
        (errors.Forbidden("Ask the PI."), 403, {"detail": "Ask the PI."}),
        (ServiceUnavailable("downtime", "timeout"), 503, {"detail": "The downtime service is unavailable: timeout."}),
        (Http404("No Site matches the given query."), 404, {"detail": "No Site matches the given query."}),
        (ValidationError({"name": ["Too long."]}), 400, {"name": ["Too long."]}),
        (ValidationError("Overlaps."), 400, {"non_field_errors": ["Overlaps."]}),
    ],
)  # fmt: skip
def test_a_refusal_becomes_an_answer(exception: Exception, status: int, body: Any) -> None:
    answer = answer_to(exception)
    assert (answer.status_code, answer.data) == (status, body)


@pytest.mark.parametrize(
    ("exception", "status"),
    [
        (IntegrityError("UNIQUE constraint failed"), 409),
        (OperationalError("database is locked"), 503),
        (RequestRefused("configdb", 403, {"detail": "no"}), 502),
        (UnexpectedAnswer("what?"), 502),
    ],
)
def test_a_failure_that_is_not_the_callers_says_so_in_a_sentence(exception: Exception, status: int) -> None:
    answer = answer_to(exception)
    assert answer.status_code == status
    assert answer.data["detail"].endswith(".")


def test_an_unavailable_service_says_when_to_ask_again() -> None:
    assert answer_to(ServiceUnavailable("portal", "timeout")).headers["Retry-After"]


def test_a_bug_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        answer_to(ZeroDivisionError())


def test_programs_get_json_and_browsers_html_for_an_unknown_address() -> None:
    program = errors.not_found(RequestFactory().get("/nowhere/", HTTP_ACCEPT="*/*"), Http404())
    browser = errors.not_found(RequestFactory().get("/nowhere/", HTTP_ACCEPT="text/html,*/*"), Http404())
    api = errors.not_found(RequestFactory().get("/api/nowhere/", HTTP_ACCEPT="text/html,*/*"), Http404())
    assert program.headers["Content-Type"] == api.headers["Content-Type"] == "application/json"
    assert browser.headers["Content-Type"].startswith("text/html")
    assert {program.status_code, browser.status_code, api.status_code} == {404}


def test_a_bug_is_answered_with_json_that_names_the_request() -> None:
    request = RequestFactory().get("/api/things/")
    request.request_id = "abcdef123456"  # type: ignore[attr-defined]  # set by the middleware
    answer = errors.server_error(request)
    assert answer.status_code == 500
    assert b"abcdef123456" in answer.content  # type: ignore[attr-defined]  # a JsonResponse has content


def asks(query: str, *, known: bool) -> Request:
    request = Request(APIRequestFactory().get(f"/api/requests/?{query}"))
    request._user = type("Caller", (), {"is_authenticated": known})()
    return request


@pytest.mark.parametrize("query", ["limit=101", "offset=10001", "limit=10&offset=999999"])
def test_strangers_may_not_read_everything_page_by_page(query: str) -> None:
    with pytest.raises(errors.PlainRefusal, match="not allowed for anonymous users"):
        refuse_deep_anonymous_paging(asks(query, known=False))


@pytest.mark.parametrize("query", ["limit=100", "offset=10000", "limit=many", "limit=-5", ""])
def test_strangers_may_read_a_page(query: str) -> None:
    refuse_deep_anonymous_paging(asks(query, known=False))


def test_people_we_know_may_read_as_much_as_they_like() -> None:
    refuse_deep_anonymous_paging(asks("limit=100000&offset=100000", known=True))


def test_the_refusal_of_deep_paging_is_plain_text_on_the_wire() -> None:
    answer = answer_to(errors.PlainRefusal("Large limit not allowed for anonymous users."))
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.content == b"Large limit not allowed for anonymous users."
