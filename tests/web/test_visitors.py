"""What somebody sees who has not logged in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from observatories import describe_observatory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/tonight/", "/requestgroups/", "/data/", "/downtimes/", "/observatory/"])
def test_a_visitor_sees_the_public_pages(path: str, set_clock: Callable[..., None]) -> None:
    set_clock(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    describe_observatory()
    answer = Client(headers={"accept": "text/html"}).get(path)
    assert answer.status_code == 200, answer.content.decode()


def test_before_anything_is_described_the_start_page_says_where_to_begin(set_clock: Callable[..., None]) -> None:
    set_clock(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    answer = Client(headers={"accept": "text/html"}).get("/", follow=True)
    assert answer.status_code == 200
    assert "No telescope is described yet" in answer.content.decode()
