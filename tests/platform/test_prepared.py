"""Queries that are compiled once give what Django gives, for other values each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from armillary.platform.models import Change
from armillary.platform.prepared import Prepared

pytestmark = pytest.mark.django_db
MOMENT = datetime(2026, 11, 23, 15, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture
def changes() -> list[Change]:
    return [
        Change.objects.create(
            transaction=number, kind="a.b" if number % 2 else "c.d", key=str(number), payload={"number": number},
            created=MOMENT + timedelta(hours=number),
        )
        for number in range(6)
    ]  # fmt: skip


def test_models_come_with_every_field_as_django_reads_them(changes: list[Change]) -> None:
    query = Prepared[Change](lambda key: Change.objects.filter(pk=key), key=int)
    for change in (*changes, *changes[:1]):
        found = query.first(key=change.pk)
        assert found is not None
        again = Change.objects.get(pk=change.pk)
        names = [field.attname for field in Change._meta.concrete_fields]
        assert {name: getattr(found, name) for name in names} == {name: getattr(again, name) for name in names}
        assert found.created.tzinfo is UTC
    assert query.first(key=0) is None


@pytest.mark.usefixtures("changes")
def test_texts_and_moments_are_parameters_and_tuples_come_as_tuples() -> None:
    query = Prepared[tuple[str, dict[str, Any]]](
        lambda kind, after: (
            Change.objects.filter(kind=kind, created__gt=after).order_by("created").values_list("key", "payload")
        ),
        kind=str,
        after=datetime,
    )
    assert query.all(kind="c.d", after=MOMENT) == [("2", {"number": 2}), ("4", {"number": 4})]
    assert query.all(kind="a.b", after=MOMENT + timedelta(hours=3)) == [("5", {"number": 5})]
    assert query.all(kind="a'b%s", after=MOMENT) == []


@pytest.mark.usefixtures("changes")
def test_sums_are_taken_anew_each_time() -> None:
    query = Prepared[tuple[str, int]](
        lambda: Change.objects.order_by().values_list("kind").annotate(number=Count("id"))
    )
    assert sorted(query.all()) == [("a.b", 3), ("c.d", 3)]
    Change.objects.filter(key="1").delete()
    assert sorted(query.all()) == [("a.b", 2), ("c.d", 3)]


def test_related_models_come_in_the_same_query() -> None:
    from armillary.accounts.models import ApiToken
    from armillary.accounts.services import api_token, create_user

    user = create_user("hypatia", email="hypatia@alexandria.example")
    api_token(user)
    query = Prepared[ApiToken](
        lambda user: ApiToken.objects.filter(user_id=user).select_related("user__profile"), user=int
    )
    query.first(user=user.pk)
    with CaptureQueriesContext(connection) as captured:
        (token,) = query.all(user=user.pk)
        assert token.user == user
        assert token.user.profile.pk == user.profile.pk
    assert len(captured) == 1


def test_a_query_that_hides_a_parameter_is_refused() -> None:
    query = Prepared[Change](lambda key: Change.objects.filter(key__contains=key), key=str)
    with pytest.raises(ValueError, match="key"):
        query.all(key="1")


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_only_inside_a_transaction() -> None:
    from django.db import transaction

    query = Prepared[Change](lambda key: Change.objects.select_for_update().filter(pk=key), key=int)
    with transaction.atomic():
        assert query.all(key=1) == []
    with pytest.raises(RuntimeError, match="transaction"):
        query.all(key=1)
