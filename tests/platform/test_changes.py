from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from armillary.platform.changes import changes_after, is_known, latest_cursor, record_change
from armillary.platform.models import Change

pytestmark = pytest.mark.django_db(transaction=True)


def announce(kind: str, key: str) -> None:
    with transaction.atomic():
        record_change(kind, key, {"state": "PENDING"})


def test_a_reader_gets_what_came_after_its_cursor_in_order() -> None:
    announce("observation.created", "1")
    cursor = latest_cursor()
    announce("observation.changed", "1")
    announce("request.changed", "7")
    assert [(line.kind, line.key) for line in changes_after(cursor)] == [
        ("observation.changed", "1"),
        ("request.changed", "7"),
    ]
    assert changes_after(latest_cursor()) == []


def test_a_reader_without_a_cursor_begins_with_the_oldest_line() -> None:
    announce("observation.created", "1")
    assert [line.key for line in changes_after(None)] == ["1"]


def test_kinds_are_prefixes() -> None:
    announce("request_group.submitted", "1")
    announce("request.changed", "2")
    announce("downtime.changed", "3")
    assert [line.key for line in changes_after(None, kinds=("request.", "downtime."))] == ["2", "3"]


def test_what_is_rolled_back_was_never_announced() -> None:
    with transaction.atomic():
        record_change("observation.created", "1")
        transaction.set_rollback(True)
    assert changes_after(None) == []


def test_a_change_outside_of_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="needs a transaction"):
        record_change("observation.created", "1")


def test_a_change_carries_observatory_time(set_clock: Callable[..., None]) -> None:
    moment = datetime(2026, 3, 1, 4, 5, tzinfo=UTC)
    set_clock(moment)
    announce("observation.created", "1")
    assert Change.objects.get().created == moment


@pytest.mark.parametrize("text", ["", "17", "0-x", "-1-2", "0-1; DROP", "9" * 40])
def test_a_malformed_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a place in the change feed"):
        changes_after(text)


def test_a_cursor_whose_line_was_thrown_away_is_unknown() -> None:
    announce("observation.created", "1")
    cursor = latest_cursor()
    announce("observation.created", "2")
    assert is_known(cursor)
    assert is_known("0-0")
    Change.objects.order_by("id")[0].delete()
    assert not is_known(cursor)


def test_a_slow_writer_is_not_overtaken() -> None:
    """A line with a lower id that is committed later must still reach a reader who has seen the higher one."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: nobody can be overtaken")
    has_written, may_commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            record_change("observation.created", "slow")
            has_written.set()
            may_commit.wait(10)
        connection.close()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    assert has_written.wait(10)
    announce("observation.created", "fast")
    seen = changes_after(None)
    cursor = seen[-1].cursor if seen else None
    may_commit.set()
    slow.join(10)
    seen += changes_after(cursor)
    assert [line.key for line in seen] == ["slow", "fast"]
