from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from armillary.clients.events import FEED_RESET, Event
from armillary.scheduler.documents import DocumentInvalid, load, replay
from armillary.scheduler.loop import State

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import World

pytestmark = pytest.mark.django_db
AFTERNOON = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
Ask = Callable[..., dict[str, Any]]


def at(observation: Any) -> tuple[int, datetime]:
    return observation.request.id, observation.start


def news(kind: str, key: str = "1", **payload: Any) -> Event:
    return Event(id="1", kind=kind, key=key, payload=payload, at=None)


def test_a_request_is_scheduled_in_the_dark_within_its_window(world: World, ask: Ask) -> None:
    world.astronomer().submit(ask())
    loop = world.loop()
    loop.step()

    (observation,) = world.live()
    assert loop.status.state is State.PUBLISHED, loop.status
    assert datetime(2026, 11, 23, 17, 30, tzinfo=UTC) < observation.start  # the Sun sets at 16:56 UTC (USNO)
    assert (observation.end - observation.start).total_seconds() == observation.request.duration
    assert [each.instrument_name for each in observation.request.configurations] == ["im01"]


def test_unchanged_observations_keep_their_ids(world: World, ask: Ask) -> None:
    for number in range(3):
        world.astronomer().submit(ask(f"first {number}"))
    loop = world.loop()
    loop.step()
    before = {observation.id: at(observation) for observation in world.live()}
    world.astronomer().submit(ask("another"))
    loop.wake()
    loop.step()
    after = {observation.id: at(observation) for observation in world.live()}

    assert len(before) == 3
    assert len(after) == 4
    assert before.items() <= after.items()


def test_a_step_without_news_does_nothing_until_the_timer(world: World, ask: Ask) -> None:
    world.astronomer().submit(ask())
    loop = world.loop(interval_s=300)
    wanted = loop.step()
    assert wanted == AFTERNOON + timedelta(minutes=5)
    document = loop.status.document
    loop.step()
    assert loop.status.document == document
    world.set_clock(wanted)
    loop.step()
    assert loop.status.document != document


def test_the_loop_notices_a_submission_without_a_change_feed(world: World, ask: Ask) -> None:
    loop = world.loop(interval_s=3600)
    loop.step()
    world.set_clock(AFTERNOON + timedelta(seconds=30))
    world.astronomer().submit(ask())
    loop.step()
    assert len(world.live()) == 1


def test_a_downtime_moves_what_it_covers(world: World, ask: Ask) -> None:
    world.astronomer().submit(ask())
    loop = world.loop()
    loop.step()
    (before,) = world.live()
    world.down(before.start - timedelta(minutes=30), 1.0)
    loop.heed([news("downtime.changed")])
    loop.step()

    (after,) = world.live()
    assert after.start >= before.start + timedelta(minutes=30)


def test_a_downtime_of_another_instrument_type_moves_nothing(world: World, ask: Ask) -> None:
    world.astronomer().submit(ask())
    loop = world.loop()
    loop.step()
    (before,) = world.live()
    world.down(before.start - timedelta(minutes=30), 1.0, instrument_type="0M6-SPECTRO-LOWRES")
    loop.wake()
    loop.step()
    assert [each.id for each in world.live()] == [before.id]


def test_a_cancelled_request_leaves_the_schedule(world: World, ask: Ask) -> None:
    submitted = world.astronomer().submit(ask())
    loop = world.loop()
    loop.step()
    world.astronomer().cancel_request_group(submitted.id)
    loop.wake()
    loop.step()
    assert world.live() == []
    assert loop.status.reasons == ()


def test_what_runs_is_left_alone_and_planned_around(world: World, ask: Ask) -> None:
    world.astronomer().submit(ask("running"))
    loop = world.loop()
    loop.step()
    (running,) = world.live()
    world.set_clock(running.start + timedelta(seconds=5))
    status = running.request.configurations[0].configuration_status
    world.portal().patch_configuration_status(status, state="ATTEMPTED")
    world.astronomer().submit(ask("next"))
    loop.wake()
    loop.step()

    now, later = world.live()
    assert now.id == running.id
    assert now.state == "IN_PROGRESS"
    assert later.start >= now.end
    reason = next(each for each in loop.status.reasons if each.request == running.request.id)
    assert "is being observed" in reason.sentence


def test_a_failed_observation_is_scheduled_again(world: World, ask: Ask) -> None:
    world.astronomer().submit(ask())
    loop = world.loop()
    loop.step()
    (first,) = world.live()
    world.set_clock(first.start + timedelta(seconds=60))
    status = first.request.configurations[0].configuration_status
    world.portal().patch_configuration_status(status, state="ATTEMPTED")
    world.portal().patch_configuration_status(status, state="FAILED")
    assert world.live() == []
    loop.step()

    (second,) = world.live()
    assert second.id != first.id
    assert second.start > first.start


def test_rapid_response_work_goes_first_and_pushes_running_normal_work_aside(world: World, ask: Ask) -> None:
    long = ask("long")
    long["requests"][0]["configurations"][0]["instrument_configs"][0]["exposure_time"] = 1500
    world.astronomer().submit(long)
    loop = world.loop()
    loop.step()
    (running,) = world.live()
    world.set_clock(running.start + timedelta(minutes=2))
    status = running.request.configurations[0].configuration_status
    world.portal().patch_configuration_status(status, state="ATTEMPTED")
    windows = [{"start": "2026-11-23T15:00:00Z", "end": "2026-11-24T00:00:00Z"}]
    rapid = world.astronomer().submit(ask("nova", observation_type="RAPID_RESPONSE", windows=windows))
    loop.wake()
    loop.step()
    assert loop.status.state is State.PUBLISHED
    loop.step()

    live = {observation.request_group_id: observation for observation in world.live()}
    assert live[rapid.id].start - (running.start + timedelta(minutes=2)) < timedelta(minutes=1)
    assert world.portal().observation(running.id)["state"] == "ABORTED"
    assert live[running.request_group_id].start >= live[rapid.id].end


def test_every_request_has_its_reason(world: World, ask: Ask) -> None:
    scheduled = world.astronomer().submit(ask("scheduled"))
    windows = [{"start": "2026-11-26T16:00:00Z", "end": "2026-11-28T15:00:00Z"}]
    later = world.astronomer().submit(ask("later", windows=windows))
    loop = world.loop(horizon_days=2.0)
    loop.step()

    reasons = {reason.request_group: reason for reason in loop.status.reasons}
    assert reasons[scheduled.id].status == "scheduled"
    assert reasons[scheduled.id].telescope == "exh.doma.0m6a"
    assert reasons[scheduled.id].telescopes == 1
    if later.id in reasons:  # the feed lists by the start of windows, as the wire says
        assert reasons[later.id].status == "no_window"
        assert "cannot be observed" in reasons[later.id].sentence


def test_what_would_help_is_said(world: World, ask: Ask) -> None:
    """NGC 7662 culminates near the zenith there; at 19:00 its airmass is 1.0, at 23:30 about 1.7."""
    low = ask("low", windows=[{"start": "2026-11-23T19:00:00Z", "end": "2026-11-23T23:40:00Z"}])
    low["requests"][0]["configurations"][0]["constraints"]["max_airmass"] = 1.2
    submitted = world.astronomer().submit(low)
    world.down(datetime(2026, 11, 23, 18, 0, tzinfo=UTC), 5.0)
    loop = world.loop(horizon_days=1.0)
    loop.step()
    (reason,) = [each for each in loop.status.reasons if each.request_group == submitted.id]
    assert reason.status in {"no_window", "too_short"}, "what is left of the night after the downtime"
    assert reason.relaxation is not None
    assert "airmass of up to" in reason.relaxation
    weaker = float(reason.relaxation.split()[-1])
    assert 1.2 < weaker <= 2.0
    assert reason.relaxation in reason.sentence


def test_a_time_critical_request_wins_against_a_normal_one(world: World, ask: Ask) -> None:
    """Both fit into the same quarter of an hour only."""
    windows = [{"start": "2026-11-23T19:00:00Z", "end": "2026-11-23T19:05:00Z"}]
    normal = world.astronomer().submit(ask("normal", windows=windows))
    critical = world.astronomer().submit(ask("critical", windows=windows, observation_type="TIME_CRITICAL"))
    loop = world.loop()
    loop.step()

    assert [observation.request_group_id for observation in world.live()] == [critical.id]
    reason = next(each for each in loop.status.reasons if each.request_group == normal.id)
    assert reason.status in {"outbid", "crowded_out"}
    assert reason.blocking == (critical.requests[0].id,)
    assert reason.status == "outbid" or f"beside request {critical.requests[0].id}." in reason.sentence


def test_a_source_that_cannot_be_read_stops_publishing_and_is_tried_again(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from armillary.clients.downtime import DowntimeClient
    from armillary.clients.errors import ServiceUnavailable

    world.astronomer().submit(ask())
    loop = world.loop(interval_s=3600)

    def away(*_: object, **__: object) -> None:
        raise ServiceUnavailable("downtime", "connection refused")

    with monkeypatch.context() as patched:
        patched.setattr(DowntimeClient, "list", away)
        wanted = loop.step()
    assert loop.status.state is State.SOURCE_UNAVAILABLE
    assert "downtime" in loop.status.sentence
    assert world.live() == []
    assert wanted - AFTERNOON <= timedelta(seconds=2)

    world.set_clock(wanted)
    loop.step()
    assert loop.status.state is State.PUBLISHED
    assert len(world.live()) == 1


def test_a_plan_made_from_an_old_schedule_is_not_published(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else publishes while this scheduler thinks."""
    from armillary.scheduler import cycle as module

    world.astronomer().submit(ask())
    slow, quick = world.loop(), world.loop()
    genuine = module.plan_run

    def think_while_the_other_publishes(*arguments: Any, **more: Any) -> Any:
        run = genuine(*arguments, **more)
        monkeypatch.setattr(module, "plan_run", genuine)
        quick.step()
        return run

    monkeypatch.setattr(module, "plan_run", think_while_the_other_publishes)
    wanted = slow.step()
    assert quick.status.state is State.PUBLISHED
    assert slow.status.state is State.STALE
    assert wanted == AFTERNOON
    slow.step()
    assert slow.status.state is State.PUBLISHED
    assert len(world.live()) == 1


def test_an_observatory_without_telescopes_is_not_believed(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from armillary.clients.configdb import ConfigDBClient
    from armillary.core.observatory import Observatory

    world.astronomer().submit(ask())
    loop = world.loop()
    loop.step()
    before = [observation.id for observation in world.live()]
    monkeypatch.setattr(ConfigDBClient, "observatory", lambda _: Observatory(sites=()))
    loop.wake()
    loop.step()
    assert loop.status.state is State.SOURCE_UNAVAILABLE
    assert [observation.id for observation in world.live()] == before


def test_where_the_portal_does_not_number_schedules_the_reference_wire_is_used(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from armillary.clients.errors import RequestRefused
    from armillary.clients.portal import PortalClient

    def unknown(*_: object, **__: object) -> None:
        raise RequestRefused("portal", 404, {"detail": "Not found."})

    monkeypatch.setattr(PortalClient, "schedule_versions", unknown)
    monkeypatch.setattr(PortalClient, "take_lease", unknown)
    monkeypatch.setattr(PortalClient, "publish_schedule", unknown)
    first = world.astronomer().submit(ask("first"))
    loop = world.loop()
    loop.step()
    (kept,) = world.live()
    second = world.astronomer().submit(ask("second"))
    loop.wake()
    loop.step()
    assert {each.request_group_id for each in world.live()} == {first.id, second.id}
    assert kept.id in {each.id for each in world.live()}
    world.down(kept.start - timedelta(minutes=10), 0.5)
    loop.wake()
    loop.step()
    assert kept.id not in {each.id for each in world.live()}
    assert len(world.live()) == 2


@pytest.mark.parametrize("settings", [{"iteration_limit": 200, "time_limit_s": 60.0}, {"time_limit_s": 0.3}])
def test_a_run_is_replayed_exactly_even_if_the_clock_ended_it(world: World, ask: Ask, settings: dict[str, Any]) -> None:
    windows = [{"start": "2026-11-23T19:00:00Z", "end": "2026-11-23T19:14:00Z"}]  # not all of them fit
    for number in range(6):
        world.astronomer().submit(ask(f"request {number}", windows=windows))
    loop = world.loop(**settings)
    for _ in range(2):  # the second run begins with the prices of the first
        loop.wake()
        loop.step()
        assert loop.status.document is not None
        (again,) = replay(load(loop.status.document))
        assert again.is_identical
        assert 2 <= len(again.replayed) < 6


def test_old_runs_are_removed(world: World) -> None:
    loop = world.loop(runs_kept=3)
    for minute in range(5):
        world.set_clock(AFTERNOON + timedelta(minutes=minute))
        loop.wake()
        loop.step()
    assert len(list((world.directory / "runs").iterdir())) == 3


def test_a_file_that_is_no_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"format": "something else"}', encoding="utf-8")
    with pytest.raises(DocumentInvalid, match="armillary-run/1"):
        load(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(DocumentInvalid, match="cannot be read"):
        load(path)


@pytest.mark.parametrize(
    ("event", "wakes"),
    [
        (news("request_group.submitted"), True),
        (news("request_group.cancelled"), True),
        (news("downtime.changed"), True),
        (news("configdb.changed"), True),
        (news("observation.changed", state="FAILED"), True),
        (news("observation.changed", state="COMPLETED"), True),
        (news("observation.changed", state="IN_PROGRESS"), False),
        (news("observation.created", state="PENDING"), False),
        (news("schedule.published"), False),
        (news(FEED_RESET), True),
    ],
)
def test_the_loop_wakes_for_what_matters_and_not_for_its_own_doing(world: World, event: Event, wakes: bool) -> None:
    loop = world.loop(interval_s=3600)
    loop.step()
    document = loop.status.document
    world.set_clock(AFTERNOON + timedelta(minutes=1))
    loop.heed([event])
    loop.step()
    assert (loop.status.document != document) is wakes
