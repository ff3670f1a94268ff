"""Web clients take a form out of our page, show it in theirs, and post back what was filled in (clients.md 1.8)."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from armillary.accounts import services

pytestmark = pytest.mark.django_db


class FirstForm(HTMLParser):
    """The first form of a page: what it is wrapped in, and its fields with their values."""

    _EMPTY = frozenset({"input", "link", "meta", "br", "img", "circle", "ellipse", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self._open: list[str] = []
        self._inside = False
        self.wrapper: str | None = None
        self.fields: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form" and self.wrapper is None:
            self.wrapper, self._inside = self._open[-1], True
        if self._inside and tag in {"input", "select", "textarea"} and found.get("name"):
            self.fields[str(found["name"])] = found.get("value") or ""
        if tag not in self._EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag in self._open:
            while self._open.pop() != tag:
                pass


def taken(client: Client, address: str) -> FirstForm:
    page = client.get(address)
    assert page.status_code == 200
    return FirstForm(page.content.decode())


def send(client: Client, address: str, form: FirstForm, **filled_in: str) -> Any:
    assert set(filled_in) <= set(form.fields), form.fields
    return client.post(address, {**form.fields, **filled_in})


def test_a_login_form_is_taken_filled_in_and_posted_back() -> None:
    services.create_user("astronomer", email="astro@example.org", password="a long password")
    client = Client(enforce_csrf_checks=True)
    address = "/accounts/login/?passthrough=true"
    form = taken(client, address)
    assert form.wrapper == "div", "the form lies inside a wrapper, which the client takes"
    refused = send(client, address, form, username="astronomer", password="wrong")
    assert refused.status_code == 200
    again = FirstForm(refused.content.decode())
    assert "password" in again.fields, "a form that comes back means that something was wrong"
    done = send(client, address, again, username="astronomer", password="a long password")
    assert (done.status_code, done.headers["Location"]) == (302, "/accounts/loggedinstate/")
    assert client.get("/accounts/loggedinstate/").status_code == 200
    assert client.get("/accounts/logout/?passthrough=true").status_code == 302
    assert client.get("/accounts/loggedinstate/").status_code == 302


def test_a_registration_form_is_taken_filled_in_and_posted_back() -> None:
    client = Client(enforce_csrf_checks=True)
    address = "/accounts/register/?passthrough=true"
    form = taken(client, address)
    person = {
        "first_name": "Ada", "last_name": "L.", "institution": "I", "title": "T", "email": "ada@example.org",
        "username": "ada", "password1": "a long password", "password2": "a long password", "tos": "on",
    }  # fmt: skip
    missing = send(client, address, form, **{**person, "tos": ""})
    assert missing.status_code == 200
    done = send(client, address, FirstForm(missing.content.decode()), **person)
    assert (done.status_code, done.headers["Location"]) == (302, "/accounts/register/complete/")


def test_a_reset_form_is_taken_filled_in_and_posted_back() -> None:
    client = Client(enforce_csrf_checks=True)
    address = "/accounts/password/reset/?passthrough=true"
    done = send(client, address, taken(client, address), email="nobody@example.org")
    assert (done.status_code, done.headers["Location"]) == (302, "/accounts/password/reset/done/")
