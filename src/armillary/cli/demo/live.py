"""The night to watch: every process of the observatory under the supervisor, on a clock that runs fast."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from rich.console import Console

from armillary import clock
from armillary.cli.demo.stage import Stage, Submission
from armillary.cli.refusals import sentence_of
from armillary.clients import events
from armillary.clients.errors import ServiceUnavailable

_HEARTBEAT_S: Final = 2.0
_PATIENCE_S: Final = 180.0
_LOOK_S: Final = 0.5


def observe(stage: Stage, console: Console, speed: float) -> None:
    """Run scheduler, telescopes and workers until somebody presses Ctrl-C (or the process is asked to end).

    The clock stands still until there is a first plan: on a slow machine the night would otherwise pass while the
    programs are being loaded and compiled.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _setting(stop))
    stage.supervisor.start(stage.installation.worker_programs())
    stage.supervisor.start(stage.installation.observing_programs(stage.telescopes, stage.tokens["robot"]))
    teller = threading.Thread(target=_tell, args=(stage, console, stop), daemon=True)
    teller.start()
    if not stage.is_resumed:
        console.print("waiting for the first plan; then the clock starts ...")
        with stage.watching():
            _wait_for_a_plan(stage, stop)
    stage.installation.set_clock(clock.now(), speed)
    stage.supervisor.watch(_until(stop, stage))


def _wait_for_a_plan(stage: Stage, stop: threading.Event) -> None:
    portal = stage.portal("operator")
    deadline = time.monotonic() + _PATIENCE_S
    while not stop.wait(_LOOK_S) and time.monotonic() < deadline:
        try:
            if next(iter(portal.schedule(states=("PENDING", "IN_PROGRESS"))), None) is not None:
                return
        except ServiceUnavailable:
            continue  # the supervisor starts it again


def introduce(stage: Stage, submissions: list[Submission], console: Console, speed: float) -> None:
    """Print where to look and how to log in."""
    night = stage.night
    console.print()
    console.print(f"[bold]Armillary[/bold] is running at [link]{stage.installation.url('portal')}/[/link]")
    for person in ("astronomer", "operator"):
        account = stage.account(person)
        console.print(f"  log in as [bold]{account.username}[/bold] with password [bold]{account.password}[/bold]")
    console.print(
        f"  {len(stage.telescopes)} telescope(s), home: {night.telescope.key}; it is {clock.now():%Y-%m-%d %H:%M} UTC, "
        f"dark from {night.dusk:%H:%M} to {night.dawn:%H:%M}; one minute here is {speed:g} minutes there"
    )
    for submission in submissions:
        mark = "[green]accepted[/green]" if submission.request_group_id else "[yellow]refused[/yellow]"
        console.print(f"  {mark}  {submission.sample.body['name']}  [dim]{submission.sample.title}[/dim]")
        if submission.refusal:
            console.print(f"            [dim]{sentence_of(submission.refusal)}[/dim]")
    console.print(f"  files, databases and logs are in {stage.installation.directory}")
    console.print("  Ctrl-C stops everything; starting again goes on where it stopped")
    console.print()


def _setting(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    return handle


def _until(stop: threading.Event, stage: Stage) -> Callable[[], bool]:
    """Whether to stop; keeps a note of the observatory's time, so that a start after a power cut goes on from there."""
    path = stage.installation.directory / "heartbeat.json"
    last = 0.0

    def check() -> bool:
        nonlocal last
        if time.monotonic() - last > _HEARTBEAT_S:
            last = time.monotonic()
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps({"after": clock.now().isoformat()}), encoding="utf-8")
            temporary.replace(path)
        return stop.is_set()

    return check


def _tell(stage: Stage, console: Console, stop: threading.Event) -> None:
    """Print what happens, from the change feed."""
    told: dict[tuple[str, str], str] = {}
    for event in events.listen("portal", token=stage.tokens["operator"], stop=stop):
        state = (event.payload or {}).get("state")
        if state is None or told.get((event.kind, event.key)) == state:
            continue
        told[event.kind, event.key] = state
        if event.kind == "observation.changed" and state in {"IN_PROGRESS", "COMPLETED", "FAILED", "ABORTED"}:
            place = ".".join(str((event.payload or {}).get(key, "")) for key in ("site", "enclosure", "telescope"))
            console.print(f"{clock.now():%H:%M:%S} UTC  {place}  observation {event.key} {state}")
        elif event.kind == "request_group.changed":
            console.print(f"{clock.now():%H:%M:%S} UTC  request group {event.key} {state}")
