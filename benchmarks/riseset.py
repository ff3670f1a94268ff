"""Visibility: how fast and how exact, side by side with PyPI's ``ocs-rise-set``.

    python benchmarks/riseset.py --peer path/to/python     # an interpreter with ocs-rise-set (its build needs gfortran)
    python benchmarks/riseset.py                           # looks for it here; says so when it is missing

Everything is CPU time of one thread, the median of several runs after a first one, which is shown by itself. The peer
answers samples, scaled by target-site-days. Accuracy is that of every edge against ``riseset_reference.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import riseset_reference as reference
from armillary import riseset
from armillary.riseset import acceleration

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
CONSTRAINTS = riseset.Constraints(max_airmass=2.0, min_moon_distance_deg=30.0)
# McDonald, Cerro Tololo, Sutherland, Siding Spring, Haleakala, Teide.
LOCATIONS = (
    (30.679833, -104.015173, 2070.0),
    (-30.167367, -70.80475, 2198.0),
    (-32.38059, 20.8101083, 1760.0),
    (-31.273, 149.0706, 1116.0),
    (20.7069444, -156.2580556, 3065.0),
    (28.3003, -16.5117, 2390.0),
)
SITES = [riseset.Site(*place, horizon_deg=15.0, ha_limit_neg_h=-4.6, ha_limit_pos_h=4.6) for place in LOCATIONS]
BLIND = [replace(site, zenith_blind_spot_deg=5.0) for site in SITES]


@dataclass(frozen=True)
class Case:
    """One row of the table; the peer gets ``sample`` targets and ``peer_sites`` sites."""

    name: str
    targets: list[Any]
    sites: list[riseset.Site]
    days: int
    sample: int
    required: int
    stretch: int
    runs: int = 7
    sort: str = "stars"

    @property
    def work(self) -> int:
        """Target-site-days."""
        return len(self.targets) * len(self.sites) * self.days


def cases() -> list[Case]:
    random = np.random.default_rng(20260301)
    ra, dec = random.uniform(0.0, 360.0, 1000), np.degrees(np.arcsin(random.uniform(-1.0, 1.0, 1000)))
    stars = [riseset.SiderealTarget(a, d) for a, d in zip(ra.tolist(), dec.tolist(), strict=True)]
    ranges = ((0.0, 25.0), (0.0, 360.0), (0.0, 360.0), (2.2, 3.2), (0.0, 0.25), (0.0, 360.0))
    elements = np.stack([random.uniform(low, high, 100) for low, high in ranges], axis=1)
    orbits = [riseset.MinorPlanet(61_000.0, *row) for row in elements.tolist()]
    # A target that comes up at the site, for the smallest question.
    one = [riseset.SiderealTarget(150.0, -20.0)]
    return [
        Case("1000 stars x 6 sites x 7 d", stars, SITES, 7, 60, 300, 670),
        Case("the same, 5 deg zenith blind spot", stars, BLIND, 7, 3, 5000, 18_000),
        Case("1000 stars x 6 sites x 180 d", stars, SITES, 180, 3, 900, 1350, 3),
        Case("100 minor planets x 6 sites x 7 d", orbits, SITES, 7, 3, 300, 500, sort="minor planets"),
        Case("1 star x 1 site x 7 d, warm", one, SITES[1:2], 7, 1, 50, 115, 401),
    ]


def seconds_of(function: Callable[[], object], runs: int) -> tuple[float, float]:
    """CPU seconds of the first run, and the median of the others."""
    spent = []
    for _ in range(runs + 1):
        began = time.process_time()
        function()
        spent.append(time.process_time() - began)
    return spent[0], float(np.median(spent[1:]))


def ask(case: Case, *, compiled: bool | None = None) -> riseset.WindowTable:
    end = FIRST + timedelta(days=case.days)
    return riseset.observable_windows(
        case.targets, case.sites, FIRST, end, CONSTRAINTS, as_arrays=True, compiled=compiled
    )


# --- the peer ---------------------------------------------------------------------------------------------------------


def row_of(target: Any) -> list[float]:
    if isinstance(target, riseset.SiderealTarget):
        return [target.ra_deg, target.dec_deg]
    return list(asdict(target).values())


def question(case: Case, targets: list[Any], *, runs: int, windows: bool = False) -> dict[str, Any]:
    return {
        "targets": [row_of(target) for target in targets],
        "sites": [{key: value for key, value in asdict(site).items() if key != "_"} for site in case.sites],
        "span": [FIRST.timestamp(), (FIRST + timedelta(days=case.days)).timestamp()],
        "runs": runs,
        "windows": windows,
    }


def peer_results(interpreter: str | None, questions: dict[str, Any]) -> dict[str, Any]:
    """The peer's answers, or nothing and a word why."""
    if interpreter is None:
        if find_spec("rise_set") is None:
            print("ocs-rise-set is missing here: no ratios. Install it where gfortran is (pip install ocs-rise-set),")
            print("in an environment of its own if you like, and name that environment's python with --peer.\n")
            return {}
        interpreter = sys.executable
    done = subprocess.run(
        [interpreter, str(Path(__file__).with_name("riseset_peer.py"))],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"the peer failed: {done.stderr}")
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


# --- accuracy ---------------------------------------------------------------------------------------------------------


class Referee:
    """The reference's margins at one site, with its context for the sampling grid kept."""

    def __init__(self, site: riseset.Site) -> None:
        self.site = site
        self._grid: dict[bytes, tuple[reference.Epochs, reference.Place, reference.Place]] = {}

    def context(self, unix_s: reference.FloatArray) -> tuple[reference.Epochs, reference.Place, reference.Place]:
        """ERFA's context, the Sun and the Moon."""
        key = unix_s.tobytes()
        if key in self._grid:
            return self._grid[key]
        epochs = reference.epochs_at(*self.site.location, unix_s)
        result = (epochs, reference.body(epochs, "sun"), reference.body(epochs, "moon"))
        if len(unix_s) > 1000:
            self._grid[key] = result
        return result

    def margin(self, target: Any, unix_s: reference.FloatArray) -> reference.FloatArray:
        """The least of all margins (rad): darkness, airmass, hour angle, blind spot, Moon."""
        epochs, sun, moon = self.context(unix_s)
        if isinstance(target, riseset.SiderealTarget):
            place = reference.star(epochs, target.ra_deg, target.dec_deg)
        else:
            place = reference.near(epochs, reference.ellipse_km(*row_of(target)), bent_by_sun=True)
        degrees = np.degrees(place.altitude)
        cosine = np.clip(np.sum(place.vector * moon.vector, axis=1), -1.0, 1.0)
        hours = np.degrees(place.hour_angle) / 15.0
        return np.min(
            [
                np.degrees(-sun.altitude) - 12.0,
                degrees - max(30.0, self.site.horizon_deg),
                90.0 - self.site.zenith_blind_spot_deg - degrees,
                15.0 * (self.site.ha_limit_pos_h - hours),
                15.0 * (hours - self.site.ha_limit_neg_h),
                np.degrees(np.arccos(cosine)) - CONSTRAINTS.min_moon_distance_deg,
            ],
            axis=0,
        )


@dataclass
class Errors:
    """Errors of matched edges (s), and windows without a partner."""

    edges: list[float]
    windows: int = 0
    lost: int = 0
    invented: int = 0

    def add(self, expected: list[list[float]], found: list[list[float]], is_good: Callable[[float], bool]) -> None:
        """Match windows that overlap. One that the sampled reference stepped over, but confirms, is no error."""
        self.windows += len(expected)
        left = list(found)
        for start, end in expected:
            partner = next((w for w in left if min(w[1], end) > max(w[0], start)), None)
            if partner is None:
                self.lost += 1
                continue
            left.remove(partner)
            self.edges += [abs(partner[0] - start), abs(partner[1] - end)]
        self.invented += sum(1 for start, end in left if not is_good((start + end) / 2.0))

    def line(self, name: str) -> str:
        """A row of the table."""
        median, p95, p99, most = np.percentile(self.edges, [50, 95, 99, 100])
        return (
            f"| {name} | {self.windows} | {median:.4f} | {p95:.4f} | {p99:.4f} | {most:.3f} "
            f"| {self.lost} | {self.invented} |"
        )


def accuracy(case: Case, count: int, peer: list[Any] | None) -> list[str]:
    """Lines of the table of accuracy for the first targets of a case."""
    sample = replace(case, targets=case.targets[:count])
    tables = {"armillary": ask(sample)}
    if acceleration.is_available() and isinstance(sample.targets[0], riseset.SiderealTarget):
        tables["armillary, numpy"] = ask(sample, compiled=False)
    errors = {name: Errors([]) for name in [*tables, *(["ocs-rise-set"] if peer else [])]}
    first, last = FIRST.timestamp(), (FIRST + timedelta(days=case.days)).timestamp()
    for site_index, site in enumerate(sample.sites):
        referee = Referee(site)
        for index, target in enumerate(sample.targets):

            def margin(t: reference.FloatArray, target: Any = target, referee: Referee = referee) -> Any:
                return referee.margin(target, t)

            expected = reference.windows_of(margin, first, last)

            def is_good(t: float, margin: Any = margin) -> bool:
                return bool(margin(np.array([t]))[0] >= 0.0)

            for name, table in tables.items():
                windows = np.stack(table.of(index, site_index), axis=1).tolist()
                errors[name].add(expected, windows, is_good)
            if peer:
                errors["ocs-rise-set"].add(expected, peer[index][site_index], is_good)
    return [error.line(f"{case.sort}: {name}") for name, error in errors.items()]


# --- the tables -------------------------------------------------------------------------------------------------------


def speed_line(case: Case, peer: dict[str, Any]) -> str:
    cold, warm = seconds_of(lambda: ask(case), case.runs)
    stars = isinstance(case.targets[0], riseset.SiderealTarget) and acceleration.is_available()
    slow = None
    if stars and case.days < 100:
        slow = seconds_of(lambda: ask(case, compiled=False), min(case.runs, 5))[1]
    numpy_ms = f"{slow * 1e3:.2f}" if slow is not None else "-"
    if case.name not in peer:
        return f"| {case.name} | - | {cold * 1e3:.1f} | {warm * 1e3:.3f} | {numpy_ms} | - | - | {case.required} |"
    seconds = peer[case.name]["seconds_per_target_site_day"] * case.work
    slow_ratio = f"{seconds / slow:.0f}x" if slow is not None else "-"
    return (
        f"| {case.name} | {seconds * 1e3:.1f} | {cold * 1e3:.1f} | {warm * 1e3:.3f} | {numpy_ms} "
        f"| **{seconds / warm:.0f}x** | {slow_ratio} | {case.required}x ({case.stretch}x) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", help="a python interpreter that has ocs-rise-set")
    parser.add_argument("--stars", type=int, default=20, help="stars of the test of accuracy")
    options = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in ONE_THREAD):  # read by the libraries when they are imported
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | dict.fromkeys(ONE_THREAD, "1"))  # noqa: S606 - ourselves
    rows = cases()
    questions = {row.name: question(row, row.targets[: row.sample], runs=3 if row.days < 100 else 1) for row in rows}
    checked = [(rows[1], options.stars), (rows[3], max(options.stars // 2, 1))]
    for row, count in checked:
        questions[f"windows of {row.name}"] = question(row, row.targets[:count], runs=1, windows=True)
    peer = peer_results(options.peer, questions)

    print("CPU milliseconds, one thread. 'first' has computed the nights and the Moon of the span, and loaded numba.\n")
    print("| work | ocs-rise-set (scaled) | first | then | numpy alone | ratio | numpy's | required (stretch) |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(speed_line(row, peer), flush=True)
    print(f"\nlargest resident size: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB\n")
    print("Errors of edges against the reference (s); windows lost, and invented.\n")
    print("| | windows | median | p95 | p99 | max | lost | invented |")
    print("|---|---|---|---|---|---|---|---|")
    for row, count in checked:
        answers = peer.get(f"windows of {row.name}", {}).get("windows")
        print("\n".join(accuracy(row, count, answers)), flush=True)


if __name__ == "__main__":
    main()
