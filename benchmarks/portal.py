r"""How fast the observation portal takes requests in, hands them to a scheduler, and takes in what telescopes report.

    .venv/bin/python benchmarks/portal.py --serve [--database postgresql://...] [--groups 2000]

starts a server of its own (gunicorn, two workers) with the small example observatory, and

    .venv/bin/python benchmarks/portal.py --url http://127.0.0.1:8000 --token TOKEN --proposal P1 \\
        --instrument-type 0M6-IMAGER-CCD --filter V --place exh.doma.0m6a --instrument im01

measures any portal that speaks the wire, the reference too: everything goes over HTTP, as staff that belongs to the
proposal. Beside each median stands what the reference (4.18.9, PostgreSQL, two workers) took on two shared cores;
only ratios measured side by side on one machine say something.

On a machine that others use too, elapsed time says little. With ``--serve`` the processor time of server and
database stands beside it, and the ratio to that of the reference: it hardly depends on who else computes.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from armillary.cli.demo.installation import free_ports
from processor_time import server_ms

REFERENCE_MS = {
    "validate": 32.5, "create_1": 58.3, "create_20": 652.2, "list_100": 120.4, "detail": 31.0, "airmass": 66.1,
    "instruments": 17.6, "profile": 30.9, "schedulable_200": 308.0, "schedulable_1000": 1649.2,
    "schedulable_2000": 3271.7, "obs_post_100": 812.4, "obs_post_500": 4159.1, "schedule_500": 1080.4,
    "obs_cancel_500": 727.1, "patch_attempted": 48.2, "patch_completed": 99.6,
}  # fmt: skip
REFERENCE_CPU_MS = {
    "validate": 40.6, "create_1": 63.0, "create_20": 665.0, "list_100": 140.0, "detail": 35.1, "airmass": 50.0,
    "instruments": 14.8, "profile": 24.8, "schedulable_200": 301.7, "schedulable_1000": 1591.3,
    "schedulable_2000": 3230.0, "obs_post_100": 510.0, "obs_post_500": 2650.0, "schedule_500": 1010.0,
    "obs_cancel_500": 600.0, "patch_attempted": 35.0, "patch_completed": 81.0,
}  # fmt: skip
"""Processor time of server and database; the smaller one where the reference was measured with one client and four."""
TARGETS = {
    "validate": 4, "create_1": 4, "schedulable_2000": 15, "list_100": 8, "detail": 8, "obs_post_500": 20,
    "patch_attempted": 4, "patch_completed": 4,
}  # fmt: skip
"""How many times faster than the reference we want to be."""


@dataclass
class Bench:
    """A portal, and what to ask of it."""

    client: httpx.Client
    options: argparse.Namespace
    processor_ms: Callable[[], float] | None = None
    """Processor time that server and database have used until now."""
    settle: Callable[[], None] = lambda: None
    """Let the database count its rows now: a server that is left alone does so within a minute."""
    figures: dict[str, dict[str, float]] = field(default_factory=dict)

    def group(self, requests: int = 1) -> dict[str, Any]:
        """A group of requests with one configuration and three exposures of different length each."""
        now = datetime.now(UTC)  # noqa: TID251  the benchmark runs beside the server's real clock
        window = {"start": now.isoformat(), "end": (now + timedelta(days=25)).isoformat()}
        element = {"filter": self.options.filter} if self.options.filter else {}
        configuration = {
            "type": "EXPOSE",
            "instrument_type": self.options.instrument_type,
            "target": {"type": "ICRS", "name": "circumpolar", "ra": 37.95, "dec": self.options.dec},
            "constraints": {"max_airmass": 3.0, "min_lunar_distance": 0.0},
            "instrument_configs": [
                {"exposure_time": seconds, "exposure_count": 1, "optical_elements": element} for seconds in (10, 20, 30)
            ],
            "acquisition_config": {},
            "guiding_config": {},
        }
        site, enclosure, telescope = self.options.place.split(".")
        request = {
            "location": {"telescope_class": telescope[:3], "site": site, "enclosure": enclosure},
            "windows": [window],
            "configurations": [configuration],
        }
        return {
            "name": f"benchmark {secrets.token_hex(4)}",
            "proposal": self.options.proposal,
            "ipp_value": 1.0,
            "operator": "SINGLE" if requests == 1 else "MANY",
            "observation_type": "NORMAL",
            "requests": [copy.deepcopy(request) for _ in range(requests)],
        }

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the portal; anything but success ends the benchmark."""
        answer = self.client.request(method, path, json=body) if body is not None else self.client.request(method, path)
        if answer.is_error:
            sys.exit(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def time(self, name: str, action: Callable[[], Any], *, repeat: int | None = None, clients: int = 1) -> None:
        """Measure an action, one after the other or by many clients at once."""

        def once(_: int) -> float:
            began = time.perf_counter()
            action()
            return (time.perf_counter() - began) * 1000

        number = repeat or self.options.repeat
        used = self.used_ms()
        began = time.perf_counter()
        if clients == 1:
            taken = [once(index) for index in range(number)]
        else:
            with ThreadPoolExecutor(clients) as pool:
                taken = list(pool.map(once, range(number * clients)))
        elapsed = time.perf_counter() - began
        used = (self.used_ms() - used) / len(taken)
        self.report(name if clients == 1 else f"{name} x{clients}", taken, len(taken) / elapsed, used)

    def get(self, name: str, path: str, *, repeat: int | None = None, clients: int = 1) -> None:
        """Measure a GET, without reading what the answer says."""

        def action() -> None:
            answer = self.client.get(path)
            if answer.is_error:
                sys.exit(f"GET {path}: {answer.status_code} {answer.text[:500]}")

        action()
        self.time(name, action, repeat=repeat, clients=clients)

    def once(self, name: str, action: Callable[[], Any]) -> Any:
        """Measure what cannot be repeated, and hand on its answer."""
        used, began = self.used_ms(), time.perf_counter()
        answer = action()
        taken = time.perf_counter() - began
        self.report(name, [taken * 1000], 1 / taken, self.used_ms() - used)
        return answer

    def used_ms(self) -> float:
        """Processor time that server and database have used, or not a number."""
        return self.processor_ms() if self.processor_ms else math.nan

    def report(self, name: str, taken_ms: list[float], per_s: float, used_ms: float) -> None:
        """Print a line and keep it."""
        median = statistics.median(taken_ms)
        self.figures[name] = {
            "median_ms": median, "slowest_ms": max(taken_ms), "per_s": per_s, "processor_ms": used_ms,
        }  # fmt: skip
        case = name.split(maxsplit=1)[0]
        beside = _beside(REFERENCE_MS.get(name), median) + _beside(REFERENCE_CPU_MS.get(case), used_ms)
        wanted = f"  (wanted {TARGETS[case]}x)" if case in TARGETS else ""
        line = f"{name:20} {median:9.1f} {max(taken_ms):9.1f} {per_s:8.1f} {used_ms:8.1f} {beside}{wanted}"
        print(line, flush=True)


def _beside(reference: float | None, ours: float) -> str:
    return " " * 18 if reference is None else f"{reference:9.1f} {reference / ours if ours else math.inf:6.1f}x "


def measure(bench: Bench) -> None:
    """All cases, from the empty portal to the full one."""
    heads = f"{'ref. ms':>9} {'ratio':>7} {'ref. cpu':>9} {'ratio':>7}"
    print(f"{'case':20} {'median ms':>9} {'slowest':>9} {'per s':>8} {'cpu ms':>8} {heads}")
    warm_up(bench)
    requests_in(bench)
    reads(bench)
    schedules(bench)
    for number in (200, 1000, 2000):
        if number <= bench.options.groups:
            fill(bench, number)
            repeat = min(bench.options.repeat, 5)
            bench.get(f"schedulable_{number}", "/api/requestgroups/schedulable_requests/", repeat=repeat)
    create_20 = lambda: bench.call("POST", "/api/requestgroups/", bench.group(20))  # noqa: E731  as below
    bench.time("create_20", create_20, repeat=5)  # last: lists of others must not be full of them


def warm_up(bench: Bench) -> None:
    """Let every worker load and compile what it will need: many calls at once, for one worker takes them in turn."""
    with ThreadPoolExecutor(8) as pool:
        for path in ("validate/", ""):
            list(pool.map(lambda _: bench.call("POST", f"/api/requestgroups/{path}", bench.group()), range(16)))  # noqa: B023  used at once
        list(pool.map(lambda _: bench.call("GET", "/api/requestgroups/?limit=5"), range(16)))


def requests_in(bench: Bench) -> None:
    """Validation and submission."""
    validate = lambda: bench.call("POST", "/api/requestgroups/validate/", bench.group())  # noqa: E731  three in a row
    create = lambda: bench.call("POST", "/api/requestgroups/", bench.group())  # noqa: E731
    bench.time("validate", validate)
    bench.time("validate", validate, clients=4)
    bench.time("create_1", create)
    bench.time("create_1", create, clients=4)


def reads(bench: Bench) -> None:
    """What people and programs look at."""
    fill(bench, 100)
    (group,) = bench.call("GET", "/api/requestgroups/?limit=1")["results"]
    request = group["requests"][0]["id"]
    for clients in (1, 4):
        bench.get("list_100", "/api/requestgroups/?limit=100", clients=clients)
        bench.get("detail", f"/api/requestgroups/{group['id']}/", clients=clients)
    bench.get("airmass", f"/api/requests/{request}/airmass/")
    bench.get("instruments", "/api/instruments/")
    bench.get("profile", "/api/profile/")


def fill(bench: Bench, number: int) -> None:
    """Submit until so many groups wait."""
    waiting = bench.call("GET", "/api/requestgroups/?state=PENDING&limit=1")["count"]
    missing = max(number - waiting, 0)
    if not missing:
        return bench.settle()
    if bench.options.serve:  # ours: many in one call
        bench.call("POST", "/api/requestgroups/bulk/", [bench.group() for _ in range(min(missing, 1000))])
        return fill(bench, number)
    for _ in range(missing):
        bench.call("POST", "/api/requestgroups/", bench.group())
    return None


def schedules(bench: Bench) -> None:
    """Observations: posted in bulk, read, reported on, cancelled."""
    at = datetime.now(UTC) + timedelta(days=1)  # noqa: TID251  as above
    for number in (100, 500):
        wishes = planned(bench, number, at)
        posted = bench.once(f"obs_post_{number}", partial(bench.call, "POST", "/api/observations/", wishes))
        if posted["num_created"] != number:
            sys.exit(f"only {posted['num_created']} of {number} were created: {str(posted['errors'])[:500]}")
        at += timedelta(minutes=number)
    bench.settle()
    bench.get("schedule_500", "/api/schedule/?state=PENDING&limit=500", repeat=5)
    reports(bench)
    span = {"start": (at - timedelta(minutes=500)).isoformat(), "end": at.isoformat()}
    bench.once("obs_cancel_500", lambda: bench.call("POST", "/api/observations/cancel/", span))


def planned(bench: Bench, number: int, at: datetime) -> list[dict[str, Any]]:
    """Observations of groups that wait, one minute each."""
    fill(bench, 600)
    groups = bench.call("GET", f"/api/requestgroups/?state=PENDING&limit={number}")["results"]
    site, enclosure, telescope = bench.options.place.split(".")
    return [
        {
            "request": request["id"],
            "site": site,
            "enclosure": enclosure,
            "telescope": telescope,
            "start": (at + timedelta(minutes=index)).isoformat(),
            "end": (at + timedelta(minutes=index + 1)).isoformat(),
            "configuration_statuses": [
                {"configuration": item["id"], "instrument_name": bench.options.instrument}
                for item in request["configurations"]
            ],
        }
        for index, request in enumerate(group["requests"][0] for group in groups)
    ]


def reports(bench: Bench) -> None:
    """What telescopes say, on observations that are there."""
    rows = bench.call("GET", "/api/schedule/?state=PENDING&limit=100&ordering=start")["results"]
    rows = rows[: bench.options.repeat]
    summaries = {
        f"/api/configurationstatus/{row['request']['configurations'][0]['configuration_status']}/": {
            "start": row["start"], "end": row["end"], "state": "COMPLETED", "time_completed": 60,
        }
        for row in rows
    }  # fmt: skip
    started = iter(summaries)
    ended = iter(summaries.items())
    bench.time(
        "patch_attempted", lambda: bench.call("PATCH", next(started), {"state": "ATTEMPTED"}), repeat=len(summaries)
    )

    def complete() -> None:
        path, summary = next(ended)
        bench.call("PATCH", path, {"state": "COMPLETED", "summary": summary})

    bench.time("patch_completed", complete, repeat=len(summaries))


# --- A server of our own


@contextmanager
def served(options: argparse.Namespace) -> Iterator[tuple[str, str, Callable[[], float]]]:
    """A portal with the small example observatory.

    Its address, the token of staff that belongs to a proposal, and how much processor time it has used.
    """
    directory = Path(tempfile.mkdtemp(prefix="armillary-benchmark-"))
    os.environ |= {
        "ARMILLARY_MODE": "test",
        "ARMILLARY_DATA_DIRECTORY": str(directory),
        "ARMILLARY_DATABASE_URL": options.database or f"sqlite:///{directory}/portal.sqlite3",
        "DJANGO_SETTINGS_MODULE": "armillary.server.settings",
        "ARMILLARY_LOG_LEVEL": "ERROR",
    }
    try:
        token = _installed(options)
        port = free_ports(1)
        command = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4"]
        process = subprocess.Popen(
            [sys.executable, *command, "--log-level", "error", "armillary.server.wsgi:application"]
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(address)
            yield address, token, lambda: server_ms(process.pid)
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _count_rows() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _wait(address: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{address}/health/").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    sys.exit(f"the server at {address} does not answer")


def _installed(options: argparse.Namespace) -> str:
    import django

    django.setup()
    from django.core.management import call_command

    from armillary.accounts.services import api_token, create_user
    from armillary.clock import now
    from armillary.configdb.services import import_observatory
    from armillary.portal.proposals.services import TimeGrant, create_proposal, create_semester

    call_command("migrate", verbosity=0)
    example = Path(__file__).parent.parent / "examples" / "small_observatory.json"
    import_observatory(json.loads(example.read_text(encoding="utf-8")))
    user = create_user("benchmark", email="benchmark@example.org", is_staff=True, staff_view=True)
    semester = create_semester("benchmark", now() - timedelta(days=30), now() + timedelta(days=180))
    grant = TimeGrant(std_h=100_000)
    create_proposal(
        options.proposal, pi=user, semester=semester, hours=grant, instrument_types=[[options.instrument_type]]
    )
    return api_token(user)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", action="store_true", help="start a portal of our own")
    parser.add_argument("--database", help="with --serve; default: SQLite in a temporary directory")
    parser.add_argument("--url", help="a portal that runs")
    parser.add_argument("--token", help="of staff that belongs to the proposal")
    parser.add_argument("--proposal", default="BENCHMARK")
    parser.add_argument("--instrument-type", default="0M6-IMAGER-CCD")
    parser.add_argument("--filter", default="V")
    parser.add_argument("--place", default="exh.doma.0m6a", help="site.enclosure.telescope")
    parser.add_argument("--instrument", default="im01")
    parser.add_argument("--dec", type=float, default=80.0, help="declination of a target that is up all night, degrees")
    parser.add_argument("--groups", type=int, default=2000, help="up to how many groups wait")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.serve == bool(options.url):
        parser.error("give either --serve or --url")
    if options.serve:
        with served(options) as (address, token, processor_ms):
            figures = run(address, token, options, processor_ms)
    else:
        figures = run(options.url, options.token or "", options)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def run(
    address: str, token: str, options: argparse.Namespace, processor_ms: Callable[[], float] | None = None
) -> dict[str, dict[str, float]]:
    """Measure one portal."""
    headers = {"Authorization": f"Token {token}", "Accept": "application/json"}
    with httpx.Client(base_url=address, headers=headers, timeout=300, follow_redirects=True) as client:
        bench = Bench(client, options, processor_ms, _count_rows if processor_ms else lambda: None)
        measure(bench)
        return bench.figures


if __name__ == "__main__":
    main()
