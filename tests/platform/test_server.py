"""Health, metrics, request names, and what a failing service looks like from outside."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from armillary.accounts import services
from armillary.clients.errors import ServiceUnavailable
from armillary.configuration import configuration


def page_that_asks_elsewhere(request: HttpRequest) -> HttpResponse:
    raise ServiceUnavailable("configdb", f"nobody answers {request.path}")


urlpatterns = [
    path("", include("armillary.platform.urls")),
    path("elsewhere/", page_that_asks_elsewhere),
]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.mark.parametrize("address", ["/health/", "/zpages/health/"])
def test_a_healthy_server_says_so(address: str) -> None:
    answer = Client().get(address)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok"})
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_server_without_its_tables_is_not_healthy() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE armillary_platform_change RENAME TO gone")
    answer = Client().get("/health/")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")


def test_every_answer_has_a_name_and_a_good_one_that_was_given_is_kept() -> None:
    assert len(Client().get("/health/").headers["X-Request-ID"]) == 32
    assert Client().get("/health/", headers={"X-Request-ID": "night-17.a"}).headers["X-Request-ID"] == "night-17.a"


@pytest.mark.parametrize("name", ["short", "x" * 65, "two\tparts-and-more", "<script>alert(1)</script>"])
def test_a_bad_name_is_replaced(name: str) -> None:
    assert Client().get("/health/", headers={"X-Request-ID": name}).headers["X-Request-ID"] != name


def test_requests_are_counted_by_route() -> None:
    Client().get("/health/")
    figures = Client().get("/metrics").content.decode()
    assert 'armillary_http_requests_total{method="GET",route="health/",status="200"}' in figures


def test_in_production_metrics_are_for_staff(monkeypatch: pytest.MonkeyPatch) -> None:
    staff = services.api_token(services.create_user("prometheus", is_staff=True))
    other = services.api_token(services.create_user("astronomer"))
    monkeypatch.setenv("ARMILLARY_MODE", "production")
    configuration.cache_clear()
    try:
        answers = [
            Client().get("/metrics", headers={"Authorization": f"Token {key}"} if key else {}).status_code
            for key in (None, other, staff)
        ]
    finally:
        monkeypatch.undo()
        configuration.cache_clear()
    assert answers == [403, 403, 200]


def test_a_page_whose_service_is_unavailable_is_503_and_not_a_bug() -> None:
    program = Client().get("/elsewhere/")
    assert (program.status_code, "configdb" in program.json()["detail"]) == (503, True)
    browser = Client().get("/elsewhere/", headers={"Accept": "text/html"})
    assert (browser.status_code, browser.headers["Content-Type"][:9]) == (503, "text/html")
