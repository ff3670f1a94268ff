"""How fast the archive takes frames in and finds them.

    .venv/bin/python benchmarks/archive.py [--frames 200000] [--database sqlite:///... | postgresql://...] [--json FILE]

makes synthetic frames (headers, links, footprints in clustered fields) with a fast loader, then measures over real
HTTP, against a server started for the purpose: ingest with 1 and 4 clients, and the queries that the study of the
reference measured (its medians stand beside ours; same machine, not the same load: compare the ratios). A database
that holds so many frames already is measured as it is.

Beside the elapsed time stands the processor time of server and database for each call, which hardly depends on who
else computes, and its ratio to the reference's: to its processor time where that is known, else to its elapsed time,
which was little more (it was measured at a load of 5 to 12, too).
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from archive_loader import NIGHTS, START, load
from archive_memory import Archive, measure_memory
from armillary.cli.demo.installation import free_ports
from processor_time import server_ms

REFERENCE_MS = {
    "list 100": (299, 659, 862), "limit 20, no related": (108, 168, 184), "limit 1000": (2678, 6423, 5798),
    "one day": (159, 432, 284), "proposal + 60 d": (80, 225, 131), "observation_id": (42, 146, 123),
    "basename substring": (261, 508, 535), "covers point": (266, 284, 372), "intersects 2x2": (349, 295, 217),
    "submitter": (2653, 3696, 4086), "order by exposure": (639, 800, 1113), "offset 150000": (1432, 1696, 2063),
    "force_count": (849, 1459, 727), "aggregate": (30, 66, 14), "detail": (123, None, None),
    "headers": (83, None, None),
}  # fmt: skip
REFERENCE_CPU_MS = {"list 100": 228, "limit 1000": 2000}
"""Of its own processes alone, without the database's."""
TARGETS = {"list 100": 10, "limit 1000": 20, "one day": 5, "observation_id": 5, "one target": 5}
"""How many times faster than the reference we want to be."""
INGEST_TARGETS = {1: 10, 4: 8}
REFERENCE_INGEST_PER_S = {1: 3.8, 4: 12.5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--database", help="default: SQLite in a temporary directory")
    parser.add_argument("--headers", type=int, default=200, help="keywords of each header")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--memory", action="store_true", help="measure memory instead of time")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="armillary-benchmark-"))
    try:
        report = run(options, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


def run(options: argparse.Namespace, directory: Path) -> dict[str, Any]:
    os.environ |= {
        "ARMILLARY_MODE": "test", "ARMILLARY_COMPONENTS": "archive", "ARMILLARY_DATA_DIRECTORY": str(directory),
        "ARMILLARY_DATABASE_URL": options.database or f"sqlite:///{directory}/archive.sqlite3",
        "DJANGO_SETTINGS_MODULE": "armillary.server.settings", "ARMILLARY_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    token = _account()
    if options.memory:
        with served() as (address, process):
            return {"memory": measure_memory(Archive(address, token, process), directory)}
    loaded_s = _load_missing(options)
    with served() as (address, process):
        processor_ms = partial(server_ms, process)
        queries = measure_queries(address, token, options, processor_ms)
        ingest = measure_ingest(address, token, processor_ms)
    return {"frames": options.frames, "loaded_s": loaded_s, "queries_ms": queries, "ingest": ingest}


def _load_missing(options: argparse.Namespace) -> float:
    from armillary.archive.models import Frame

    if Frame.objects.filter(pk=options.frames).exists():
        return 0.0
    began = time.perf_counter()
    load(options.frames, options.headers)
    loaded_s = time.perf_counter() - began
    print(f"loaded {options.frames} frames in {loaded_s:.0f} s", flush=True)
    return loaded_s


def _account() -> str:
    from armillary.accounts.models import User
    from armillary.accounts.services import api_token, create_user

    known = User.objects.filter(username="benchmark").first()
    return api_token(known or create_user("benchmark", is_superuser=True, is_staff=True))


# --- Measuring


@contextmanager
def served() -> Iterator[tuple[str, int]]:
    """A server of its own: its address and the id of its first process, whose children do the work."""
    port = free_ports(1)
    process = subprocess.Popen([
        sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4",
        "--timeout", "600",
        "--log-level", "error", "armillary.server.wsgi:application",
    ])  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{address}/archive/health/").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait()


def measure_queries(
    address: str, token: str, options: argparse.Namespace, processor_ms: Callable[[], float]
) -> dict[str, dict[str, float]]:
    results: dict[str, dict[str, float]] = {}
    heads = f"{'ref. ms':>9}{'ratio':>8}{'cpu ms':>9}{'ratio':>8}{'wanted':>8}{'rows':>7}"
    print(f"{'query':24}{'ms':>9}{'best':>9}{heads}")
    for who, own in (("", {"Authorization": f"Token {token}"}), (" (stranger)", {})):
        with httpx.Client(base_url=address, timeout=600, headers=own) as client:
            for name, path in _paths().items():
                if who and name in {"detail", "headers"}:
                    continue
                figures = _measured(client, path, options.repeat, processor_ms)
                results[name + who] = figures
                _print_query(name, who, figures)
    return results


def _paths() -> dict[str, str]:
    middle = START + timedelta(days=NIGHTS // 2)
    day, later = (f"{moment:%Y-%m-%d}" for moment in (middle, middle + timedelta(days=1)))
    far = f"{middle + timedelta(days=60):%Y-%m-%d}"
    ra, dec = 123.0, -12.0
    square = ", ".join(f"{ra + x} {dec + y}" for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)))
    return {
        "list 100": "frames/?limit=100", "limit 20, no related": "frames/?limit=20&include_related_frames=false",
        "limit 1000": "frames/?limit=1000", "one day": f"frames/?start={day}&end={later}",
        "proposal + 60 d": f"frames/?proposal_id=PROP-007&start={day}&end={far}",
        "observation_id": "frames/?observation_id=12345", "one target": "frames/?target_name_exact=target-77",
        "basename substring": "frames/?basename=00012345", "covers point": f"frames/?covers=POINT({ra} {dec})",
        "cone 0.5 deg": f"frames/?ra={ra}&dec={dec}&radius=0.5",
        "intersects 2x2": f"frames/?intersects=POLYGON(({square}))", "submitter": "frames/?submitter=user7",
        "order by exposure": "frames/?ordering=exposure_time", "offset 150000": "frames/?offset=150000",
        "force_count": "frames/?force_count=1", "aggregate": "frames/aggregate/", "detail": "frames/1000/",
        "headers": "frames/1000/headers/",
    }  # fmt: skip


def _print_query(name: str, who: str, figures: dict[str, float]) -> None:
    reference = REFERENCE_MS.get(name, (None, None, None))[2 if who else 0]
    processor = reference if who else REFERENCE_CPU_MS.get(name, reference)
    ratios = [
        f"{theirs / ours:8.1f}" if theirs else " " * 8
        for theirs, ours in ((reference, figures["ms"]), (processor, figures["processor_ms"]))
    ]
    wanted = "" if who else TARGETS.get(name, "")
    line = f"{name + who:24}{figures['ms']:9.1f}{figures['best_ms']:9.1f}{reference or '':>9}{ratios[0]}"
    print(f"{line}{figures['processor_ms']:9.1f}{ratios[1]}{wanted:>8}{figures['rows']:7.0f}", flush=True)


def _measured(client: httpx.Client, path: str, repeat: int, processor_ms: Callable[[], float]) -> dict[str, float]:
    """Each worker has answered once before."""
    times, rows, used = [], 0, []
    for _ in range(repeat + 3):
        before, began = processor_ms(), time.perf_counter()
        answer = client.get(f"/archive/{path}")
        answer.raise_for_status()
        times.append((time.perf_counter() - began) * 1000)
        used.append(processor_ms() - before)
        rows = len(answer.json().get("results", ()))
    return {
        "ms": statistics.median(times[3:]), "best_ms": min(times[3:]), "processor_ms": statistics.median(used[3:]),
        "rows": rows,
    }  # fmt: skip


def measure_ingest(
    address: str, token: str, processor_ms: Callable[[], float], seconds: float = 8.0
) -> dict[int, dict[str, float]]:
    """Is it known? + record it, with three related frames and a header of 250 keywords, as fast as clients can."""
    figures: dict[int, dict[str, float]] = {}
    _ingest_by(4, address, token, 2.0)  # each worker loads what it needs the first time
    for clients in (1, 4):
        before = processor_ms()
        done = _ingest_by(clients, address, token, seconds)
        rate, used = done / seconds, (processor_ms() - before) / done
        figures[clients] = {"per_s": rate, "processor_ms": used}
        reference = REFERENCE_INGEST_PER_S[clients]
        # What one processor could take in, or both of them with several clients, if nobody else used them.
        possible = min(clients, 2) * 1000 / used
        print(
            f"ingest, {clients} clients: {rate:.1f}/s (reference {reference}, ratio {rate / reference:.1f}); "
            f"cpu {used:.1f} ms each, enough for {possible:.0f}/s (ratio {possible / reference:.1f}, "
            f"wanted {INGEST_TARGETS[clients]})"
        )
    return figures


def _ingest_by(clients: int, address: str, token: str, seconds: float) -> int:
    done = [0] * clients
    stop = time.perf_counter() + seconds
    workers = [threading.Thread(target=_ingest, args=(address, token, stop, done, own)) for own in range(clients)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(done)


def _ingest(address: str, token: str, stop: float, done: list[int], own: int) -> None:
    headers = {f"KEY{number:05d}"[:8]: number * 0.5 for number in range(250)}
    with httpx.Client(base_url=address, timeout=60, headers={"Authorization": f"Token {token}"}) as client:
        while time.perf_counter() < stop:
            name = secrets.token_hex(16)
            ra = secrets.randbelow(360)
            client.get("/versions/", params={"md5": name}).raise_for_status()
            ring = [[ra, 0.0], [ra + 0.4, 0.0], [ra + 0.4, 0.4], [ra, 0.4], [ra, 0.0]]
            body = {
                "basename": f"bench-{name}", "area": {"type": "Polygon", "coordinates": [ring]}, "headers": headers,
                "related_frame_filenames": [f"{kind}-{done[own] % 50}" for kind in ("bias", "dark", "flat")],
                "version_set": [{"key": name, "md5": name, "extension": ".fits.fz"}], "configuration_type": "EXPOSE",
                "observation_day": "20261122", "observation_date": "2026-11-23T02:03:04", "proposal_id": "PROP-001",
                "instrument_id": "kb01", "site_id": "tst", "telescope_id": "1m0a", "public_date": "2027-11-23T02:03:04",
            }  # fmt: skip
            client.post("/frames/", json=body).raise_for_status()
            done[own] += 1


if __name__ == "__main__":
    main()
