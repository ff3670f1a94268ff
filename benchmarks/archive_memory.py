"""How much memory the ingester and the archive's server need, for benchmarks/archive.py --memory.

Files, few and many, small and large, are handed to ``armillary ingest`` and fetched again, in zips and unpacked. What
is measured is the most that a process held at once, as Linux counts it (resident set); of the server, the worker that
held most.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from astropy.io import fits

MEGABYTE = 1_000_000
SETS = ((10, 1), (1000, 1), (1, 100), (1, 2000))
"""How many files of how many megabytes."""


@dataclass(frozen=True)
class Archive:
    """The server that is measured."""

    address: str
    token: str
    process: int

    def peak_mb(self, act: Callable[[], object]) -> float:
        """The most that a worker holds while something is done."""
        workers = Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()
        for worker in workers:
            Path(f"/proc/{worker}/clear_refs").write_text("5")  # the peak is what it holds now
        act()
        return max(_status_mb(worker, "VmHWM") for worker in workers)

    def fetch(self, path: str, **question: Any) -> int:
        """The length of an answer, which is thrown away as it comes."""
        headers = {"Authorization": f"Token {self.token}"}
        with httpx.stream(
            "POST" if question else "GET", f"{self.address}{path}", headers=headers, timeout=600, **question
        ) as answer:
            answer.raise_for_status()
            return sum(map(len, answer.iter_raw()))


def measure_memory(archive: Archive, directory: Path) -> list[dict[str, Any]]:
    """Take files in, fetch them again, and print what that took."""
    results: list[dict[str, Any]] = []

    def note(what: str, server_mb: float, ingester_mb: float | None = None) -> None:
        results.append({"what": what, "server_mb": server_mb, "ingester_mb": ingester_mb})
        print(f"{what:42}{server_mb:9.0f}{ingester_mb or 0:11.0f}".removesuffix(f"{0:11.0f}"), flush=True)

    print(f"{'peak memory, MB':42}{'server':>9}{'ingester':>11}")
    _ingest(archive, directory, [_image(directory / "first-e00.fits", 1)])  # everything is imported once
    for count, size_mb in SETS:
        paths = [_image(directory / f"m{size_mb}n{count}i{number}-e00.fits", size_mb) for number in range(count)]
        ingester_mb = [0.0]
        server_mb = archive.peak_mb(lambda: ingester_mb.append(_ingest(archive, directory, paths)))  # noqa: B023  called at once
        note(f"taking in {count:,} of {size_mb:,} MB", server_mb, ingester_mb[-1])
        frames = _frames(f"m{size_mb}n{count}i")
        note(
            f"zip of {count:,} of {size_mb:,} MB",
            archive.peak_mb(lambda: archive.fetch("/archive/frames/zip/", json={"frame_ids": frames})),  # noqa: B023
        )
    for size_mb in (1, 100, 2000):
        name = f"packed{size_mb}-e00"
        _ingest(archive, directory, [_packed(directory / f"{name}.fits.fz", size_mb)])
        (frame,) = _frames(name)
        address = f"/archive/frame-funpack/{frame}/funpack/"
        note(f"unpacking to {size_mb:,} MB", archive.peak_mb(lambda: archive.fetch(address)))  # noqa: B023
    return results


def _ingest(archive: Archive, directory: Path, paths: list[Path]) -> float:
    """Hand files in with the command, in a process of its own, remove them, and say what it held at most, in MB."""
    environment = os.environ | {
        "ARMILLARY_ARCHIVE_URL": f"{archive.address}/archive/", "ARMILLARY_PORTAL_URL": archive.address,
        "ARMILLARY_API_TOKEN": archive.token, "ARMILLARY_DATA_DIRECTORY": str(directory),
    }  # fmt: skip
    command = [sys.executable, "-m", "armillary", "ingest", *map(str, paths)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError("armillary ingest failed; it says why above")
    for path in paths:
        path.unlink()
    return usage.ru_maxrss * 1024 / MEGABYTE


def _frames(name: str) -> list[int]:
    from armillary.archive.models import Frame

    return list(Frame.objects.filter(basename__startswith=name).values_list("pk", flat=True))


def _header(path: Path) -> fits.Header:
    return fits.Header({
        "PROPID": "memory", "DATE-OBS": "2026-11-23T02:03:04", "DAY-OBS": "20261122", "INSTRUME": "kb01",
        "SITEID": "tst", "TELID": "1m0a", "OBSTYPE": "EXPOSE", "BLKUID": 1, "L1PUBDAT": "2026-11-23T02:03:04",
        "FILENAME": path.name,
    })  # fmt: skip


def _image(path: Path, size_mb: int) -> Path:
    """An image of zeros, which takes no room on the disk."""
    edge = round((size_mb * MEGABYTE / 2) ** 0.5)
    header = fits.PrimaryHDU(np.zeros((1, 1), np.int16), _header(path)).header
    header["NAXIS1"], header["NAXIS2"] = edge, edge
    header.tofile(path)
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size + -(-edge * edge * 2 // 2880) * 2880)
    return path


def _packed(path: Path, size_mb: int) -> Path:
    """An fpacked image of noise, the same in each row."""
    edge = round((size_mb * MEGABYTE / 2) ** 0.5)
    row = np.random.default_rng(1).normal(1000, 30, edge).astype(np.int16)
    image = fits.CompImageHDU(np.broadcast_to(row, (edge, edge)), _header(path))
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(path)
    return path


def _status_mb(process: str, field: str) -> float:
    line = next(line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024 / MEGABYTE
