from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.platform import periodic
from armillary.platform.models import PeriodicJob

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EVERY = timedelta(minutes=5)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """When a job that is due every five minutes ran; no other job is registered."""
    monkeypatch.setattr(periodic, "_jobs", {})
    calls: list[datetime] = []
    periodic.periodic(every=EVERY, name="test.note")(calls.append)
    return calls


@pytest.mark.django_db
def test_a_job_runs_once_per_period(runs: list[datetime]) -> None:
    for minutes in (0, 1, 4, 5, 6, 11):
        periodic.run_due(NOW + timedelta(minutes=minutes))
    assert runs == [NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=11)]


@pytest.mark.django_db
def test_missed_runs_are_not_made_up_for_and_the_grid_is_kept(runs: list[datetime]) -> None:
    periodic.run_due(NOW)
    periodic.run_due(NOW + timedelta(minutes=63))
    assert len(runs) == 2
    assert PeriodicJob.objects.get().due == NOW + timedelta(minutes=65)


@pytest.mark.django_db
def test_of_two_who_see_the_same_job_due_one_runs_it(runs: list[datetime]) -> None:
    periodic.run_due(NOW)
    due = NOW + EVERY
    before = PeriodicJob.objects.get()
    assert periodic.run_due(due) == ["test.note"]
    assert not PeriodicJob.objects.filter(name=before.name, due=before.due).exists()
    assert periodic.run_due(due) == []
    assert len(runs) == 2


@pytest.mark.django_db
def test_a_clock_that_was_set_back_does_not_stop_a_job(runs: list[datetime]) -> None:
    periodic.run_due(NOW)
    earlier = NOW - timedelta(days=30)
    periodic.run_due(earlier)
    periodic.run_due(earlier + EVERY)
    assert runs == [NOW, earlier, earlier + EVERY]


@pytest.mark.django_db
def test_a_failing_job_is_recorded_and_the_others_run(runs: list[datetime]) -> None:
    def fail(now: datetime) -> None:
        raise LookupError(f"nothing there at {now:%H:%M}")

    periodic.periodic(every=EVERY, name="test.fail")(fail)
    assert periodic.run_due(NOW) == ["test.fail", "test.note"]
    assert runs == [NOW]
    assert "nothing there at 00:00" in PeriodicJob.objects.get(name="test.fail").error


def test_two_jobs_of_one_name_are_refused(runs: list[datetime]) -> None:
    del runs
    with pytest.raises(ValueError, match=r"two periodic jobs are called 'test\.note'"):
        periodic.periodic(every=EVERY, name="test.note")(print)


@given(late_s=st.floats(0, 1e7), every_s=st.integers(1, 100_000))
def test_the_next_run_is_after_now_on_the_grid_and_within_one_period(late_s: float, every_s: int) -> None:
    now, every = NOW + timedelta(seconds=late_s), timedelta(seconds=every_s)
    following = periodic._following(NOW, every, now)
    assert now < following <= now + every
    assert (following - NOW) % every == timedelta(0)
