"""Every process is killed while the telescope observes; the night must still end well."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from armillary.core.requests.states import TERMINAL

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journey")]

_LEAD = timedelta(seconds=90)
_QUIET_S = 15.0  # a scheduler that was killed is back by then


def _unsettled(portal: Any) -> list[str]:
    return [group.name for group in portal.request_groups() if group.state not in TERMINAL]


def test_each_process_is_killed_in_mid_observation_and_every_request_still_ends_in_a_correct_state(
    live_demonstration: Callable[..., Any],
) -> None:
    demonstration = live_demonstration(speed=120.0)
    portal = demonstration.portal()
    telescope = next(name for name in demonstration.children() if name.startswith("telescope-"))
    victims = [telescope, "web", "scheduler", "worker", telescope]

    def pending_or_running() -> list[Any]:
        return list(portal.schedule(states=("PENDING", "IN_PROGRESS")))

    demonstration.wait_for(pending_or_running, "the first schedule")
    quiet_since = time.monotonic()

    def go_on() -> bool:
        nonlocal quiet_since
        schedule = pending_or_running()
        if schedule:
            quiet_since = time.monotonic()
        running = [it for it in schedule if it.state == "IN_PROGRESS"]
        if running and victims:
            demonstration.kill(victims.pop(0))
            demonstration.wait_for(_answers(portal), "the web server to answer again")
        elif not running and schedule:
            demonstration.skip_to(min(it.start for it in schedule) - _LEAD)
        elif time.monotonic() - quiet_since > _QUIET_S:  # nothing more is to be scheduled: let the windows close
            demonstration.skip_to(demonstration.now() + timedelta(minutes=20))
        return not _unsettled(portal)

    demonstration.wait_for(go_on, "every request to be settled", timeout_s=1800)
    assert victims == []
    for group in portal.request_groups():
        for request in group.requests:
            observations = portal.request_observations(int(request.id or 0))
            completed = [it for it in observations if it["state"] == "COMPLETED"]
            assert len(completed) <= 1, f"{group.name} was observed twice"
            assert (request.state == "COMPLETED") == bool(completed), (request.state, observations)
    assert demonstration.interrupt() == 0


def _answers(portal: Any) -> Callable[[], bool]:
    from armillary.clients.errors import ClientError

    def check() -> bool:
        try:
            portal.semesters()
        except ClientError:
            return False
        return True

    return check


@contextmanager
def _somebodys_end_of_a_connection(port: int, *, until: Callable[[], bool]) -> Iterator[None]:
    """Something that uses a port without listening on it, and gives it up after a while."""
    given_up = threading.Event()
    end = socket.socket()
    end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the first start may not be forgotten yet
    end.bind(("localhost", port))
    end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)  # from here on it keeps others out

    def hold() -> None:
        while not until() and not given_up.wait(0.2):
            pass
        end.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        yield
    finally:
        given_up.set()
        holder.join()
    assert until()


@pytest.mark.once
def test_ctrl_c_stops_everything_and_a_second_start_goes_on_with_nothing_lost(
    live_demonstration: Callable[..., Any],
) -> None:
    first = live_demonstration(speed=60.0)
    before = {group.id: group.name for group in first.portal().request_groups()}
    pids = first.children()
    assert first.interrupt() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values())
    stopped_at = first.now()
    assert first.clock_speed() == 0.0
    with _somebodys_end_of_a_connection(first.port, until=lambda: "web ended" in first.output):
        second = live_demonstration(speed=60.0, port=first.port)
    assert {group.id: group.name for group in second.portal().request_groups()} == before
    assert second.now() >= stopped_at
    assert second.now() - stopped_at < timedelta(hours=2)
