"""What goes wrong in real nights, against the real portal in process."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from armillary.clients.errors import ServiceUnavailable
from armillary.clients.events import Event
from armillary.scheduler.loop import State
from armillary.scheduler.monitors import Closure, Conditions, MonitorUnavailable, Seeing

if TYPE_CHECKING:
    from conftest import World

pytestmark = pytest.mark.django_db
AFTERNOON = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
Ask = Callable[..., dict[str, Any]]
URGENT = [{"start": "2026-11-23T19:00:00Z", "end": "2026-11-24T00:00:00Z"}]


def submission(observation_type: str = "NORMAL") -> Event:
    return Event("1", "request_group.submitted", "1", {"observation_type": observation_type}, None)


class Burst:
    """A feed with many news at once; it tells the loop to stop when their run has ended."""

    def __init__(self, count: int, stop: Any) -> None:
        self.left, self.stop, self.loop = count, stop, None

    def wait(self, timeout_s: float) -> list[Event]:
        if self.left:
            self.left -= 1
            time.sleep(0.002)
            return [submission()]
        loop: Any = self.loop
        if loop.status.state is State.PUBLISHED and not loop._woken.is_set():
            self.stop.set()
        self.stop.wait(min(timeout_s, 0.05))
        return []

    def close(self) -> None:
        pass


def test_a_burst_of_submissions_becomes_few_runs_and_all_of_it_is_scheduled(world: World, ask: Ask) -> None:
    import threading

    for number in range(8):
        world.astronomer().submit(ask(f"burst {number}"))
    stop = threading.Event()
    feed = Burst(40, stop)
    feed.loop = loop = world.loop(time_limit_s=0.3)
    loop.run(stop, [feed])

    assert feed.left == 0
    assert len(list((world.directory / "runs").iterdir())) <= 3
    assert len(world.live()) == 8


def test_a_second_process_may_not_schedule_from_the_same_directory(world: World) -> None:
    from armillary.scheduler.lease import DirectoryTaken, sole_user

    with (
        sole_user(world.directory),
        pytest.raises(DirectoryTaken, match="ARMILLARY_DATA_DIRECTORY"),
        sole_user(world.directory),
    ):
        pass


def test_a_lost_telescope_loses_its_observations_to_others(network: World, ask_network: Ask) -> None:
    from armillary.clients.configdb import ConfigDBClient
    from armillary.clients.transport import connect

    for number in range(3):
        network.astronomer().submit(ask_network(f"target {number}"))
    loop = network.loop(time_limit_s=0.5)
    loop.step()
    before = network.live()
    lost = before[0].telescope_key
    assert len(before) == 3

    configdb = ConfigDBClient(connect("configdb", token=network.token))
    site, enclosure, telescope = lost.split(".")
    row = next(
        each
        for each in configdb.list("telescopes")
        if each["code"] == telescope and f"{site}.{enclosure}.{telescope}" in str(each["__str__"])
    )
    configdb.update("telescopes", row["id"], {"active": False})
    loop.heed([Event("2", "configdb.changed", "1", {}, None)])
    loop.step()

    assert loop.status.state is State.PUBLISHED, loop.status.sentence
    after = network.live()
    assert len(after) == 3
    assert lost not in {each.telescope_key for each in after}


class Instruments:
    """A monitor that says what the test says."""

    def __init__(self) -> None:
        self.conditions = Conditions()
        self.is_broken = False

    def read(self, now: datetime) -> Conditions:
        del now
        if self.is_broken:
            raise MonitorUnavailable("the weather station does not answer")
        return self.conditions


def test_a_closed_site_gets_no_work_until_it_may_be_open_again(world: World, ask: Ask) -> None:
    windows = [{"start": "2026-11-23T19:00:00Z", "end": "2026-11-23T23:00:00Z"}]
    world.astronomer().submit(ask(windows=windows))
    sky = Instruments()
    loop = world.loop(monitors=[sky])
    loop.step()
    (before,) = world.live()
    world.set_clock(before.start - timedelta(minutes=5))
    sky.conditions = Conditions((Closure("EXH", "humidity"),))
    loop.step()  # nobody wakes it: the monitor is looked at
    (after,) = world.live()
    assert after.start >= before.start + timedelta(minutes=55)
    sky.conditions = Conditions()
    second = world.astronomer().submit(ask("second", windows=windows))
    loop.step()
    starts = {each.request_group_id: each.start for each in world.live()}
    assert starts[second.id] < after.start, "it is open again"


def test_bad_seeing_holds_back_only_what_asks_for_better(world: World, ask: Ask) -> None:
    demanding = ask("demanding")
    demanding["requests"][0]["configurations"][0]["constraints"]["max_seeing"] = 1.0
    first, second = world.astronomer().submit(demanding), world.astronomer().submit(ask("patient"))
    sky = Instruments()
    loop = world.loop(monitors=[sky])
    night = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    world.set_clock(night)
    sky.conditions = Conditions(seeing=(Seeing("exh", 1.4, night),))
    loop.step()
    starts = {each.request_group_id: each.start for each in world.live()}
    assert starts[first.id] >= night + timedelta(minutes=20)
    assert starts[second.id] < night + timedelta(minutes=20)


def test_a_monitor_that_cannot_be_read_stops_publishing(world: World, ask: Ask) -> None:
    sky = Instruments()
    sky.is_broken = True
    world.astronomer().submit(ask())
    loop = world.loop(monitors=[sky])
    loop.step()
    assert loop.status.state is State.SOURCE_UNAVAILABLE
    assert "weather station" in loop.status.sentence
    assert world.live() == []
    assert world.portal().scheduler()["state"] == "source unavailable", "the portal's operators are told"


def test_a_downtime_over_a_running_observation_leaves_it_and_moves_what_comes_after(world: World, ask: Ask) -> None:
    for number in range(2):
        world.astronomer().submit(ask(f"target {number}"))
    loop = world.loop()
    loop.step()
    running, _ = world.live()
    world.set_clock(running.start + timedelta(seconds=5))
    status = running.request.configurations[0].configuration_status
    world.portal().patch_configuration_status(status, state="ATTEMPTED")
    world.down(running.start, 1.0)
    loop.wake()
    loop.step()

    assert loop.status.state is State.PUBLISHED, loop.status.sentence
    now, later = world.live()
    assert now.id == running.id
    assert now.state == "IN_PROGRESS"
    assert later.start >= running.start + timedelta(hours=1)


class Line(httpx.BaseTransport):
    """The line to the portal, which can be cut: at once, or at the next publication."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.is_cut = False
        self.cut_at: str | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut_at is not None and self.cut_at in request.url.path:
            self.is_cut = True
        if self.is_cut:
            raise ServiceUnavailable("portal", "the line is cut")
        return self._inner.handle_request(request)


def lined(world: World) -> tuple[Any, Line]:
    from armillary.clients.portal import PortalClient
    from armillary.clients.transport import connect

    http = connect("portal", token=world.token)
    line = http._transport = Line(http._transport)
    return PortalClient(http), line


def test_while_the_portal_is_away_the_schedule_stays_and_after_its_return_the_loop_goes_on(
    world: World, ask: Ask
) -> None:
    portal, line = lined(world)
    world.astronomer().submit(ask("first"))
    loop = world.loop(portal=portal)
    loop.step()
    before = [each.id for each in world.live()]
    line.is_cut = True
    world.astronomer().submit(ask("second"))
    loop.wake()
    waits = []
    for _ in range(3):
        wanted = loop.step()
        assert loop.status.state is State.SOURCE_UNAVAILABLE
        waits.append(wanted - AFTERNOON)
        loop.wake()
    assert waits == sorted(waits), "it asks less and less often"
    assert [each.id for each in world.live()] == before
    line.is_cut = False
    loop.wake()
    loop.step()
    assert loop.status.state is State.PUBLISHED
    assert len(world.live()) == 2


def test_a_portal_that_goes_away_in_the_middle_of_publishing_has_a_valid_schedule(
    network: World, ask_network: Ask
) -> None:
    portal, line = lined(network)
    for number in range(3):
        network.astronomer().submit(ask_network(f"target {number}"))
    line.cut_at = "/api/schedule/publish/"
    loop = network.loop(portal=portal, time_limit_s=0.5)
    loop.step()
    assert loop.status.state is State.SOURCE_UNAVAILABLE
    assert network.live() == []
    line.is_cut, line.cut_at = False, None
    loop.wake()
    loop.step()
    assert loop.status.state is State.PUBLISHED
    assert len(network.live()) == 3


def test_of_two_schedulers_one_publishes_and_the_other_stands_by(world: World, ask: Ask) -> None:
    world.astronomer().submit(ask())
    first, second = world.loop(home="first"), world.loop(home="second")
    first.step()
    second.step()
    assert first.status.state is State.PUBLISHED
    assert second.status.state is State.STANDBY
    world.set_clock(AFTERNOON + timedelta(minutes=5))  # the first one died: its lease has run out
    second.wake()
    second.step()
    assert second.status.state is State.PUBLISHED
    first.wake()
    first.step()
    assert first.status.state is State.STANDBY


def test_a_scheduler_that_lost_its_lease_while_it_thought_publishes_nothing(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from armillary.scheduler import cycle

    world.astronomer().submit(ask())
    slow, quick = world.loop(home="slow"), world.loop(home="quick")
    genuine = cycle.plan_run

    def think_for_long(*arguments: Any, **more: Any) -> Any:
        run = genuine(*arguments, **more)
        monkeypatch.setattr(cycle, "plan_run", genuine)
        world.set_clock(AFTERNOON + timedelta(minutes=2))
        quick.step()
        return run

    monkeypatch.setattr(cycle, "plan_run", think_for_long)
    slow.step()
    assert quick.status.state is State.PUBLISHED
    assert slow.status.state is State.STANDBY
    assert len(world.live()) == 1


def test_what_is_over_by_the_time_of_publishing_is_left_out_and_planned_anew(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from armillary.scheduler import cycle

    night = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    world.astronomer().submit(ask())
    world.set_clock(night)
    loop = world.loop()
    genuine = cycle.plan_run

    def think_for_long(*arguments: Any, **more: Any) -> Any:
        run = genuine(*arguments, **more)
        monkeypatch.setattr(cycle, "plan_run", genuine)
        world.set_clock(night + timedelta(minutes=2))
        return run

    monkeypatch.setattr(cycle, "plan_run", think_for_long)
    loop.step()
    assert world.live() == []
    loop.step()  # at once, though nobody wakes it
    (observation,) = world.live()
    assert observation.start >= night + timedelta(minutes=2)


def test_a_rapid_response_request_takes_the_short_way_and_what_gives_way_is_placed_anew(world: World, ask: Ask) -> None:
    windows = [{"start": "2026-11-23T20:00:00Z", "end": "2026-11-24T00:00:00Z"}]
    normal = [world.astronomer().submit(ask(f"normal {number}", windows=windows)) for number in range(3)]
    night = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    loop = world.loop()
    world.set_clock(night - timedelta(seconds=30))
    loop.step()
    assert len(world.live()) == 3
    nova = world.astronomer().submit(ask("nova", observation_type="RAPID_RESPONSE", windows=URGENT))
    loop.heed([submission("RAPID_RESPONSE")])
    loop.step()

    live = {each.request_group_id: each for each in world.live()}
    assert set(live) == {nova.id, *(group.id for group in normal)}
    assert live[nova.id].start <= night + timedelta(minutes=1)
    ordered = sorted(live.values(), key=lambda each: each.start)
    assert all(one.end <= other.start for one, other in itertools.pairwise(ordered))


def test_the_short_way_disturbs_only_what_it_displaces(world: World, ask: Ask) -> None:
    from armillary.scheduler.rapid import answer_rapid_response
    from armillary.scheduler.run import SolverLimits

    windows = [{"start": "2026-11-23T20:00:00Z", "end": "2026-11-24T00:00:00Z"}]
    for number in range(3):
        world.astronomer().submit(ask(f"normal {number}", windows=windows))
    night = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    world.set_clock(night - timedelta(seconds=30))
    loop = world.loop()
    loop.step()
    before = {each.id: each for each in world.live()}
    world.astronomer().submit(ask("nova", observation_type="RAPID_RESPONSE", windows=URGENT))
    told: list[int] = []
    outcome = answer_rapid_response(
        loop._services,
        loop._cycle.sky,
        loop._cycle.last_snapshot,
        night,
        end=night + timedelta(days=1),
        lead=timedelta(seconds=10),
        limits=SolverLimits(1.0),
        fence=loop._lease.fence,
        announce=told.extend,
    )
    (placed,) = outcome.placed
    left = {each.id for each in world.live()} & set(before)
    overlapping = {each.id for each in before.values() if each.start < placed.end and placed.start < each.end}
    assert set(before) - left == overlapping == set(outcome.displaced) == set(told)


def test_a_feed_that_forgets_most_of_what_is_scheduled_is_believed_only_at_the_second_reading(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from armillary.clients.portal import PortalClient

    for number in range(4):
        world.astronomer().submit(ask(f"target {number}"))
    loop = world.loop()
    loop.step()
    before = [each.id for each in world.live()]
    assert len(before) == 4
    monkeypatch.setattr(PortalClient, "schedulable_request_groups", lambda *_, **__: [])
    loop.wake()
    loop.step()
    assert loop.status.state is State.DOUBTFUL
    assert "4 of 4" in loop.status.sentence
    assert [each.id for each in world.live()] == before
    loop.wake()
    loop.step()
    assert loop.status.state is State.PUBLISHED
    assert world.live() == []


def test_the_reasons_of_a_run_are_shown_with_the_requests(world: World, ask: Ask) -> None:
    windows = [{"start": "2026-11-23T19:00:00Z", "end": "2026-11-23T19:05:00Z"}]
    normal = world.astronomer().submit(ask("normal", windows=windows))
    critical = world.astronomer().submit(ask("critical", windows=windows, observation_type="TIME_CRITICAL"))
    loop = world.loop()
    loop.step()
    shown = world.astronomer().explanation(normal.requests[0].id)["scheduler"]
    assert shown["status"] in {"outbid", "crowded_out"}
    assert str(critical.requests[0].id) in shown["sentence"] or shown["blocking"] == [critical.requests[0].id]
    assert world.astronomer().explanation(critical.requests[0].id)["scheduler"]["telescope"] == "exh.doma.0m6a"
    assert world.portal().scheduler()["state"] == "published"


@pytest.mark.django_db(transaction=True)
def test_a_scheduler_killed_between_solving_and_publishing_leaves_a_valid_schedule_and_the_next_one_goes_on(
    world: World, ask: Ask
) -> None:
    from django.db import connections

    world.astronomer().submit(ask("first"))
    world.loop().step()
    before = [each.id for each in world.live()]
    world.astronomer().submit(ask("second"))
    connections.close_all()
    child = os.fork()
    if child == 0:  # the scheduler that dies
        _solve_and_die(world)
    _, outcome = os.waitpid(child, 0)
    assert os.WTERMSIG(outcome) == signal.SIGKILL
    assert [each.id for each in world.live()] == before
    heir = world.loop()
    heir.step()
    assert heir.status.state is State.PUBLISHED, "the same directory: it holds the lease already"
    assert len(world.live()) == 2
    assert before[0] in {each.id for each in world.live()}


def _solve_and_die(world: World) -> None:
    from armillary.scheduler import cycle

    try:
        cycle.publish = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
        world.loop().step()
    finally:
        os._exit(1)
