"""How fast the archive takes frames in and finds them.

    .venv/bin/python benchmarks/archive.py [--frames 200000] [--database sqlite:///... | postgresql://...] [--json FILE]

makes synthetic frames (headers, links, footprints in clustered fields) with a fast loader, then measures over real
HTTP, against one server process started for the purpose: ingest with 1 and 4 clients, and the queries that the study
of the reference measured (its medians stand beside ours; same machine, not the same load: compare the ratios).
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from archive_loader import NIGHTS, START, load

REFERENCE_MS = {
    "list 100": (299, 659, 862), "limit 20, no related": (108, 168, 184), "limit 1000": (2678, 6423, 5798),
    "one day": (159, 432, 284), "proposal + 60 d": (80, 225, 131), "observation_id": (42, 146, 123),
    "basename substring": (261, 508, 535), "covers point": (266, 284, 372), "intersects 2x2": (349, 295, 217),
    "submitter": (2653, 3696, 4086), "order by exposure": (639, 800, 1113), "offset 150000": (1432, 1696, 2063),
    "force_count": (849, 1459, 727), "aggregate": (30, 66, 14), "detail": (123, None, None),
    "headers": (83, None, None),
}  # fmt: skip
REFERENCE_INGEST_PER_S = {1: 3.8, 4: 12.5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--database", help="default: SQLite in a temporary directory")
    parser.add_argument("--headers", type=int, default=200, help="keywords of each header")
    parser.add_argument("--repeat", type=int, default=7)
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
    began = time.perf_counter()
    load(options.frames, options.headers)
    loaded_s = time.perf_counter() - began
    print(f"loaded {options.frames} frames in {loaded_s:.0f} s")
    with served() as address:
        queries = measure_queries(address, token, options)
        ingest = measure_ingest(address, token)
    return {"frames": options.frames, "loaded_s": loaded_s, "queries_ms": queries, "ingest_per_s": ingest}


def _account() -> str:
    from armillary.accounts.services import api_token, create_user

    return api_token(create_user("benchmark", is_superuser=True, is_staff=True))


# --- Measuring


@contextmanager
def served() -> Iterator[str]:
    """A server process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
        yield address
    finally:
        process.terminate()
        process.wait()


def measure_queries(address: str, token: str, options: argparse.Namespace) -> dict[str, float]:
    middle = START + timedelta(days=NIGHTS // 2)
    day, later = (f"{moment:%Y-%m-%d}" for moment in (middle, middle + timedelta(days=1)))
    far = f"{middle + timedelta(days=60):%Y-%m-%d}"
    ra, dec = 123.0, -12.0
    square = ", ".join(f"{ra + x} {dec + y}" for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)))
    paths = {
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
    results: dict[str, float] = {}
    with httpx.Client(base_url=address, timeout=600, headers={"Authorization": f"Token {token}"}) as superuser:
        print(f"{'query':24}{'ms':>9}{'stranger':>10}{'reference':>11}{'ratio':>8}{'rows':>7}")
        with httpx.Client(base_url=address, timeout=600) as stranger:
            for name, path in paths.items():
                own, rows = _median_ms(superuser, path, options.repeat)
                open_ms, _ = (
                    _median_ms(stranger, path, options.repeat) if name not in {"detail", "headers"} else (0.0, 0)
                )
                reference = REFERENCE_MS.get(name, (None,))[0]
                ratio = f"{reference / own:.1f}" if reference else ""
                print(f"{name:24}{own:9.1f}{open_ms:10.1f}{reference or '':>11}{ratio:>8}{rows:7}")
                results[name] = own
                results[f"{name} (stranger)"] = open_ms
    return results


def _median_ms(client: httpx.Client, path: str, repeat: int) -> tuple[float, int]:
    times, rows = [], 0
    for _ in range(repeat + 1):
        began = time.perf_counter()
        answer = client.get(f"/archive/{path}")
        answer.raise_for_status()
        times.append((time.perf_counter() - began) * 1000)
        rows = len(answer.json().get("results", ()))
    return statistics.median(times[1:]), rows


def measure_ingest(address: str, token: str, seconds: float = 8.0) -> dict[int, float]:
    """Is it known? + record it, with three related frames and a header of 250 keywords, as fast as clients can."""
    rates: dict[int, float] = {}
    for clients in (1, 4):
        done = [0] * clients
        stop = time.perf_counter() + seconds
        workers = [threading.Thread(target=_ingest, args=(address, token, stop, done, own)) for own in range(clients)]
        _start_and_join(workers)
        rates[clients] = sum(done) / seconds
        reference = REFERENCE_INGEST_PER_S[clients]
        print(
            f"ingest, {clients} clients: {rates[clients]:.1f}/s "
            f"(reference {reference}, ratio {rates[clients] / reference:.1f})"
        )
    return rates


def _start_and_join(workers: list[threading.Thread]) -> None:
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


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
