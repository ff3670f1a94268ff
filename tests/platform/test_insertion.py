from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.db.models import BigIntegerField, Func

from armillary.platform.insertion import Insertion
from armillary.platform.models import Change
from armillary.portal.history.models import StateTransition
from armillary.portal.requestgroups.models import RequestDocument

pytestmark = pytest.mark.django_db(transaction=True)

TWELVE = Func(template="abs(-12)", output_field=BigIntegerField())
CHANGES = Insertion(Change, "kind", "key", "payload", "created", transaction=TWELVE)
HISTORY = Insertion(StateTransition, "subject", "subject_id", "old", "new", "at", "cause", "actor_id")
AT = datetime(2026, 11, 27, 10, 30, 15, 123456, tzinfo=UTC)
PAYLOADS: list[dict[str, Any]] = [{}, {"a": [1, None, True, 0.5]}, {"quoted": 'it\'s "so" \\ {x,y} NULL %s ü\n'}]


def test_rows_are_what_models_would_have_been() -> None:
    CHANGES.run(("kind.done", f"key {index}", payload, AT) for index, payload in enumerate(PAYLOADS))
    found = list(Change.objects.order_by("id"))
    assert [(each.kind, each.key, each.payload, each.created, each.transaction) for each in found] == [
        ("kind.done", f"key {index}", payload, AT, 12) for index, payload in enumerate(PAYLOADS)
    ]


@pytest.mark.parametrize("text", ["", "NULL", "null", "{}", "'", '"', "a,b", "\\", "%s %(x)s", "\t\n", "ü☄"])
def test_a_text_comes_back_as_it_was(text: str) -> None:
    HISTORY.run([(StateTransition.Subject.REQUEST, 2**40, text, "PENDING", AT, text, None)])
    (row,) = StateTransition.objects.all()
    assert (row.subject, row.subject_id, row.old, row.cause, row.actor_id) == ("request", 2**40, text, text, None)


def test_a_moment_of_any_offset_is_the_same_moment() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=-7)))
    CHANGES.run([("kind.done", "key", {}, elsewhere)])
    assert Change.objects.get().created == AT


def test_many_rows_are_one_query_and_keep_their_order(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        CHANGES.run(("kind.done", str(index), {}, AT) for index in range(3000))
    assert list(Change.objects.order_by("id").values_list("key", flat=True)) == [str(index) for index in range(3000)]


@pytest.mark.parametrize("count", [1, 1000])
def test_ids_come_in_the_order_of_the_rows(count: int) -> None:
    ids = CHANGES.numbered(("kind.done", str(index), {"index": index}, AT) for index in range(count))
    assert dict(Change.objects.values_list("id", "key")) == {key: str(index) for index, key in enumerate(ids)}


def test_no_rows_are_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        CHANGES.run(())
        assert CHANGES.numbered(()) == []


def test_what_is_too_long_is_refused_and_not_cut() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite knows no lengths")
    with pytest.raises(DataError, match="too long"), transaction.atomic():
        CHANGES.run([("k" * 65, "key", {}, AT)])
    assert not Change.objects.exists()


def test_a_column_without_a_value_is_refused_when_the_program_starts() -> None:
    with pytest.raises(TypeError, match=r"RequestDocument: .*\['content'\]"):
        Insertion(RequestDocument, "request_id")
    with pytest.raises(TypeError, match=r"\['contents'\]"):
        Insertion(RequestDocument, "request_id", "content", "contents")
