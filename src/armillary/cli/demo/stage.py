"""Sets the stage: directory, clock, databases, servers, people, and the night's requests. Both ways to run use it."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from armillary import clock
from armillary.cli.demo.installation import DemoError, Installation, Server, python
from armillary.cli.demo.prepare import PROPOSAL, Account, Plan
from armillary.cli.demo.sample import Night, Sample, next_night, samples
from armillary.cli.supervisor import Supervisor
from armillary.clients.downtime import DowntimeClient
from armillary.clients.errors import RequestRefused
from armillary.clients.portal import PortalClient
from armillary.clients.transport import connect
from armillary.core.observatory import Observatory

_SEMESTER_MARGIN: Final = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Submission:
    """A sample request group and what the portal said to it."""

    sample: Sample
    request_group_id: int | None
    refusal: Any = None


class Stage:
    """A demonstration that is set up and served, before anything observes."""

    def __init__(self, installation: Installation, observatory_file: Path, say: Callable[[str], None]) -> None:
        self.installation = installation
        self.say = say
        self.supervisor = Supervisor(installation.log_directory, say, environment=_plain_environment())
        self.is_resumed = installation.clock_file.exists()
        self.observatory = _read_observatory(observatory_file)
        self._observatory_file = observatory_file.absolute()
        self.night: Night
        self.tokens: Mapping[str, str] = {}

    @property
    def telescopes(self) -> tuple[str, ...]:
        """Telescopes in service that have something to observe with."""
        return tuple(
            telescope.key
            for telescope in self.observatory.telescopes()
            if telescope.in_service and any(instrument.is_schedulable for instrument in telescope.instruments)
        )

    def open(self) -> None:
        """Set the clock, which stands still, fill the databases, start the servers and wait until they answer."""
        self.installation.directory.mkdir(parents=True, exist_ok=True)
        self.installation.require_free_ports()
        self.installation.make_databases()
        self._set_clock()
        plan = self._plan()
        for server in self.installation.servers:
            self.tokens = {**self.tokens, **self._prepare(server, plan)}
        self.installation.enter(token=self.tokens["robot"])
        self.supervisor.start(self.installation.server_programs())
        with self.watching():  # one that finds its port taken for a moment is started again
            self.installation.wait_until_served()

    def account(self, name: str) -> Account:
        """Name, password and token of one of the people."""
        return Account(
            username=name, password=self.installation.secret(f"password_{name}"), token=self.tokens.get(name, "")
        )

    def portal(self, person: str) -> PortalClient:
        """The portal, as one of the people."""
        return PortalClient(connect("portal", token=self.tokens[person]))

    def submit(self, *, more: int = 0) -> list[Submission]:
        """Submit the night's requests as the astronomer; what was submitted before is not submitted again.

        Args:
            more: How many fields of a survey to ask for besides one request of each kind.
        """
        portal = self.portal("astronomer")
        known = {group.name: group.id for group in portal.request_groups(proposal=PROPOSAL)}
        return [
            Submission(sample, known[sample.body["name"]])
            if sample.body["name"] in known
            else self._submit_one(portal, sample)
            for sample in samples(self.observatory, self.night, PROPOSAL, more=more)
        ]

    def declare_downtime(self) -> None:
        """Take the home telescope out of service for an hour, as the operator; once, however often this is called."""
        downtimes = DowntimeClient(connect("downtime", token=self.tokens["operator"]))
        home, (start, end) = self.night.telescope, self.night.rest
        place = {"site": home.site, "enclosure": home.enclosure, "telescope": home.code}
        if not downtimes.list(ends_after=start, starts_before=end, **place):
            downtimes.create(start=start, end=end, reason="Mirror inspection", **place)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep the servers and workers running while something else is done."""
        ended = threading.Event()
        watcher = threading.Thread(target=self.supervisor.watch, args=(ended.is_set,))
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def close(self) -> None:
        """Stop everything; the clock stands still until the next start."""
        moment = clock.now()
        self.supervisor.stop()
        self.installation.set_clock(moment, 0.0)

    def _submit_one(self, portal: PortalClient, sample: Sample) -> Submission:
        try:
            body = portal.expand_cadence(sample.body) if sample.is_cadence else sample.body
            group = portal.submit(body, idempotency_key=f"demo-{sample.body['name']}")
        except RequestRefused as refusal:
            if not sample.is_refused:
                raise DemoError(f"the portal refused {sample.body['name']!r}: {refusal.detail}") from refusal
            return Submission(sample, None, refusal.detail)
        if sample.is_refused:
            raise DemoError(f"the portal accepted {sample.body['name']!r}, which can never be observed")
        return Submission(sample, group.id)

    def _set_clock(self) -> None:
        beginning = self.installation.directory / "night.json"
        if self.is_resumed:
            os.environ["ARMILLARY_MODE"] = "demo"
            os.environ[clock.CLOCK_FILE_VARIABLE] = str(self.installation.clock_file)
            self.night = next_night(self.observatory, _moment_of(beginning))
            self.installation.set_clock(_last_heartbeat(self.installation) or clock.now(), 0.0)
            return
        after = clock.now()
        self.night = next_night(self.observatory, after)
        beginning.write_text(json.dumps({"after": after.isoformat()}), encoding="utf-8")
        self.installation.set_clock(self.night.start, 0.0)

    def _plan(self) -> Plan:
        types = self.observatory.instrument_types()
        return Plan(
            observatory=self._observatory_file,
            semester_start=self.night.start - _SEMESTER_MARGIN,
            semester_end=self.night.start + 2 * _SEMESTER_MARGIN,
            astronomer=self.account("astronomer"),
            operator=self.account("operator"),
            robot=self.account("robot"),
            instrument_types=sorted(types),
        )

    def _prepare(self, server: Server, plan: Plan) -> dict[str, str]:
        outcome = subprocess.run(  # noqa: S603  our own module, with an input of our own
            python("-m", "armillary.cli.demo.prepare"),
            input=plan.model_dump_json(),
            env=_plain_environment() | self.installation.environment(server),
            capture_output=True,
            text=True,
            check=False,
        )
        if outcome.returncode != 0:
            raise DemoError(f"the database of {server} could not be filled:\n{outcome.stderr.strip()}")
        tokens: dict[str, str] = json.loads(outcome.stdout.splitlines()[-1])
        return tokens


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ARMILLARY_")}


def _read_observatory(path: Path) -> Observatory:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        results = document["results"] if isinstance(document, dict) else document
    except (OSError, ValueError, KeyError) as error:
        raise DemoError(f"{path} is not an observatory in the shape of GET /sites/: {error}") from error
    return Observatory.from_sites(results)


def _moment_of(path: Path) -> datetime:
    return datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["after"])


def _last_heartbeat(installation: Installation) -> datetime | None:
    """When the demonstration was last seen running: after a power cut the clock must not have run on meanwhile."""
    path = installation.directory / "heartbeat.json"
    return _moment_of(path) if path.exists() else None
