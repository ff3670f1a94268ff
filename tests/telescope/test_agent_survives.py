from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from observation_documents import EVENING, configuration, observation

from armillary import clock
from armillary.clients.errors import ServiceUnavailable
from armillary.telescope import execution
from armillary.telescope.journal import Journal, JournalInUse

if TYPE_CHECKING:
    from conftest import Night

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("killed_after_s", [1, 60, 101, 103, 110, 125, 139, 141, 170, 178, 190])
def test_killed_at_any_moment_an_observation_is_resumed_and_never_observed_twice(
    night: Night, killed_after_s: int
) -> None:
    night.portal.schedule(observation(1, configuration(10), configuration(11), seconds=900))
    night.begin()
    night.go_on_until(EVENING + timedelta(seconds=killed_after_s))
    night.begin()
    night.go_on_until(EVENING + 15 * MINUTE)

    assert night.portal.states(1) == ["COMPLETED", "COMPLETED"]
    assert [night.portal.summary(status)["time_completed"] for status in (10, 11)] == [60.0, 60.0]
    names = [path.name for path in night.ingested]
    assert len(names) == len(set(names)) == 4
    for status in (10, 11):
        assert night.portal.said(status).count("COMPLETED") == 1
        assert night.portal.said(status)[0] == "ATTEMPTED"


@pytest.mark.parametrize("lost", ["finish_exposure", "close_configuration", "begin_exposure", "report_delivered"])
def test_killed_between_doing_and_noting_nothing_is_lost_or_done_twice(
    night: Night, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """The journal's write is the last thing that did not happen before the kill."""
    night.portal.schedule(observation(1))

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    night.begin()
    with monkeypatch.context() as patched:
        patched.setattr(Journal, lost, die)
        with pytest.raises(Killed):
            night.go_on_until(EVENING + 5 * MINUTE)
    night.begin()
    night.go_on_until(EVENING + 5 * MINUTE)

    assert night.portal.states(1) == ["COMPLETED"]
    assert night.portal.summary(10)["time_completed"] == 60.0
    assert len(night.ingested) == len(set(night.ingested)) == 2


def test_a_file_that_was_complete_when_the_agent_was_killed_counts(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.portal.schedule(observation(1))
    night.begin()
    written = []
    genuine = execution.write_frame

    def write_and_die(*arguments: object) -> None:
        genuine(*arguments)  # type: ignore[arg-type]  # passed through
        written.append(arguments[0])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(execution, "write_frame", write_and_die)
        with pytest.raises(KeyboardInterrupt):
            night.go_on_until(EVENING + 5 * MINUTE)
    night.begin()
    night.go_on_until(EVENING + 5 * MINUTE)

    assert night.ingested[0] == written[0]
    assert len(night.ingested) == 2, "the first exposure was not taken again"


def test_without_enough_time_after_a_kill_what_was_done_is_told(night: Night) -> None:
    night.portal.schedule(observation(1, configuration(10), configuration(11), seconds=300))
    night.begin()
    night.go_on_until(EVENING + timedelta(seconds=141))
    night.kill()
    night.set_clock(EVENING + 10 * MINUTE)
    night.begin()
    night.go_on_until(EVENING + 12 * MINUTE)

    assert night.portal.states(1) == ["FAILED", "NOT_ATTEMPTED"]
    assert night.portal.summary(10)["time_completed"] == 30.0
    assert "time was over" in night.portal.summary(10)["reason"]
    assert len(night.ingested) == 1


def test_an_observation_whose_journal_is_lost_is_closed_honestly(night: Night) -> None:
    night.portal.schedule(observation(1, configuration(10), configuration(11), seconds=900))
    night.begin()
    night.go_on_until(EVENING + timedelta(seconds=120))
    night.kill()
    for file in night.directory.glob("journal*"):
        file.unlink()
    night.begin()
    night.go_on_until(EVENING + 15 * MINUTE)

    assert night.portal.states(1) == ["FAILED", "NOT_ATTEMPTED"]
    assert "journal" in night.portal.summary(10)["reason"]


def test_reports_wait_for_the_portal_and_arrive_in_order(night: Night) -> None:
    night.portal.schedule(observation(1, configuration(10), configuration(11), seconds=900))
    night.begin()
    night.go_on_until(EVENING + timedelta(seconds=30))
    night.portal.stop()
    night.go_on_until(EVENING + 8 * MINUTE)
    assert night.portal.states(1) == ["ATTEMPTED", "PENDING"]
    night.begin()  # killed while the portal is away, too
    night.portal.start()
    night.go_on_until(EVENING + 12 * MINUTE)

    assert night.portal.states(1) == ["COMPLETED", "COMPLETED"]
    order = [(number, body["state"]) for number, body in night.portal.reports if "state" in body]
    assert order == [(10, "ATTEMPTED"), (10, "COMPLETED"), (11, "ATTEMPTED"), (11, "COMPLETED")]


def test_the_schedule_last_read_is_observed_while_the_portal_is_away(night: Night) -> None:
    night.portal.schedule(observation(1), observation(2, start=EVENING + 6 * MINUTE))
    night.begin()
    night.go_on_until(EVENING - MINUTE)
    night.portal.stop()
    night.go_on_until(EVENING + 3 * MINUTE)
    night.begin()
    night.go_on_until(EVENING + 12 * MINUTE)
    night.portal.start()
    night.go_on_until(EVENING + 15 * MINUTE)

    assert night.portal.observations[1]["state"] == night.portal.observations[2]["state"] == "COMPLETED"


def test_a_report_that_the_portal_refuses_does_not_hold_up_the_others(night: Night) -> None:
    night.portal.schedule(observation(1), observation(2, start=EVENING + 6 * MINUTE))
    night.begin()
    night.portal.refuse_reports_with = 404
    night.go_on_until(EVENING + 5 * MINUTE)
    night.portal.refuse_reports_with = None
    night.go_on_until(EVENING + 12 * MINUTE)

    assert night.portal.observations[2]["state"] == "COMPLETED"
    assert night.agent is not None
    refused = night.agent._journal.refused_reports()
    assert {report.status for report, _ in refused} == {10}


def test_a_report_on_which_the_portal_fails_holds_up_no_other_observation(night: Night) -> None:
    night.portal.schedule(observation(1), observation(2, configuration(20), start=EVENING + 6 * MINUTE))
    night.portal.broken_statuses = {10}
    night.begin()
    night.go_on_until(EVENING + 12 * MINUTE)
    assert night.portal.observations[2]["state"] == "COMPLETED"
    assert night.portal.said(10) == []
    night.portal.broken_statuses = set()
    night.go_on_until(EVENING + 15 * MINUTE)
    assert night.portal.said(10) == ["ATTEMPTED", "COMPLETED"]


def test_a_request_that_is_observed_is_not_observed_again_while_the_portal_cannot_take_the_report(night: Night) -> None:
    again = observation(2, configuration(20), start=EVENING + 6 * MINUTE)
    again["request"]["id"] = 101  # the portal, which does not know better, has the same request scheduled once more
    night.portal.schedule(observation(1), again)
    night.portal.broken_statuses = {10}
    night.begin()
    night.go_on_until(EVENING + 14 * MINUTE)
    assert night.portal.said(20) == ["NOT_ATTEMPTED"]
    assert "observed the request already" in night.portal.summary(20)["reason"]
    night.portal.broken_statuses = set()
    night.go_on_until(EVENING + 16 * MINUTE)
    assert night.portal.observations[1]["state"] == "COMPLETED"


def test_a_request_is_not_observed_again_by_a_schedule_that_is_older_than_the_report(night: Night) -> None:
    again = observation(2, configuration(20), start=EVENING + MINUTE)  # due at the moment when the first one ends
    again["request"]["id"] = 101
    night.portal.schedule(observation(1), again)
    agent = night.begin()
    wanted = clock.now()
    while night.portal.observations[1]["state"] != "COMPLETED":
        night.set_clock(max(wanted, clock.now() + timedelta(milliseconds=1)))
        wanted = agent.step()
    agent.step()  # at once, before it looks at the portal again
    night.go_on_until(EVENING + 6 * MINUTE)
    assert night.portal.observations[2]["state"] == "CANCELED"
    assert night.portal.said(20) == []


def test_a_wrong_token_loses_no_report(night: Night) -> None:
    night.portal.schedule(observation(1))
    night.begin()
    night.portal.refuse_reports_with = 403
    night.go_on_until(EVENING + 5 * MINUTE)
    night.portal.refuse_reports_with = None
    night.go_on_until(EVENING + 8 * MINUTE)

    assert night.portal.said(10) == ["ATTEMPTED", "COMPLETED"]


def test_frames_wait_for_the_archive(night: Night) -> None:
    night.portal.schedule(observation(1))
    night.archive_fails_with = ServiceUnavailable("archive", "connection refused")
    night.begin()
    night.go_on_until(EVENING + 5 * MINUTE)
    assert night.ingested == []
    assert night.portal.observations[1]["state"] == "COMPLETED", "the report does not wait for the archive"
    night.begin()
    night.archive_fails_with = None
    night.go_on_until(EVENING + 8 * MINUTE)

    assert len(night.ingested) == 2


def test_a_frame_that_the_archive_refuses_is_set_aside_with_the_reason(night: Night) -> None:
    night.portal.schedule(observation(1))
    night.archive_fails_with = ValueError("no PROPID")
    night.begin()
    night.go_on_until(EVENING + 5 * MINUTE)

    assert night.agent is not None
    refused = night.agent._journal.refused_frames()
    assert [reason for _, reason in refused] == ["no PROPID", "no PROPID"]
    assert all(path.exists() for path, _ in refused)
    assert night.agent.idle


def test_a_second_agent_of_the_same_telescope_is_refused(night: Night) -> None:
    night.begin()
    with pytest.raises(JournalInUse, match="in use by another agent"):
        Journal(night.directory / "journal.sqlite3")


def test_what_is_noted_together_is_noted_whole_or_not_at_all(night: Night) -> None:
    journal = night.begin()._journal

    def note_half() -> None:
        with journal.together():
            journal.queue_report(10, {"state": "ATTEMPTED"})
            raise ServiceUnavailable("portal", "the power failed")

    with pytest.raises(ServiceUnavailable):
        note_half()
    assert journal.next_report() is None
