from __future__ import annotations

from collections.abc import Iterator

import pytest

from armillary.clients import revisions
from armillary.clients.errors import ServiceUnavailable
from armillary.clients.revisions import provide_revision, unless_changed


class Service:
    """Something that can say whether it has changed, and counts how often it is read."""

    def __init__(self) -> None:
        self.revision = "first"
        self.readings = 0

    def read(self) -> int:
        self.readings += 1
        return self.readings


@pytest.fixture
def downtimes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(revisions, "_revisions", {})
    monkeypatch.setattr(revisions, "_kept", {})
    service = Service()
    provide_revision("downtime", lambda: service.revision)
    return service


def test_what_has_not_changed_is_not_read_again(downtimes: Service) -> None:
    assert [unless_changed("downtime", "today", downtimes.read) for _ in range(3)] == [1, 1, 1]


def test_what_has_changed_is_read_again(downtimes: Service) -> None:
    unless_changed("downtime", "today", downtimes.read)
    downtimes.revision = "second"
    assert unless_changed("downtime", "today", downtimes.read) == 2


def test_what_changes_while_it_is_read_is_read_again(downtimes: Service) -> None:
    def read() -> int:
        downtimes.revision = "second"
        return downtimes.read()

    unless_changed("downtime", "today", read)
    assert unless_changed("downtime", "today", downtimes.read) == 2


def test_different_questions_have_different_answers(downtimes: Service) -> None:
    assert unless_changed("downtime", "today", downtimes.read) == 1
    assert unless_changed("downtime", "tomorrow", downtimes.read) == 2


def test_a_failure_is_not_kept_and_no_old_answer_is_given_instead(downtimes: Service) -> None:
    def fail() -> int:
        raise ServiceUnavailable("downtime", "it is away")

    unless_changed("downtime", "today", downtimes.read)
    downtimes.revision = "second"
    with pytest.raises(ServiceUnavailable, match="it is away"):
        unless_changed("downtime", "today", fail)
    assert unless_changed("downtime", "today", downtimes.read) == 2


def test_a_service_that_cannot_tell_is_read_each_time(downtimes: Service) -> None:
    downtimes.revision = ""
    assert [unless_changed("downtime", "today", downtimes.read) for _ in range(2)] == [1, 2]


def test_a_service_that_runs_elsewhere_is_read_each_time(downtimes: Service) -> None:
    assert [unless_changed("configdb", "observatory", downtimes.read) for _ in range(2)] == [1, 2]


def test_only_so_many_answers_are_kept(downtimes: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "_MOST_KEPT", 2)
    for day in range(3):
        unless_changed("downtime", day, downtimes.read)
    assert unless_changed("downtime", 2, downtimes.read) == 3
    assert unless_changed("downtime", 0, downtimes.read) == 4
