"""The same questions put to PyPI's ``ocs-rise-set``: run by an interpreter that has it, prints JSON.

    python riseset_peer.py < cases.json

Each case names sites, targets and a span; the answer is the CPU seconds per target-site-day, and on request the windows
(Unix seconds). Only its public interface is used, as the observation portal uses it.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

try:
    from rise_set.angle import Angle
    from rise_set.astrometry import make_minor_planet_target, make_ra_dec_target
    from rise_set.sky_coordinates import Declination, RightAscension
    from rise_set.visibility import Visibility
except ImportError as error:
    sys.exit(f"ocs-rise-set is not installed here: {error}")


def site_of(site: dict[str, float]) -> dict[str, Any]:
    return {
        "latitude": Angle(degrees=site["latitude_deg"]),
        "longitude": Angle(degrees=site["longitude_deg"]),
        "altitude": site["elevation_m"],
        "horizon": Angle(degrees=site["horizon_deg"]),
        "ha_limit_neg": Angle(degrees=15.0 * site["ha_limit_neg_h"]),
        "ha_limit_pos": Angle(degrees=15.0 * site["ha_limit_pos_h"]),
    }


def target_of(target: list[float]) -> dict[str, Any]:
    if len(target) == 2:
        return make_ra_dec_target(RightAscension(degrees=target[0]), Declination(degrees=target[1]))
    epoch, inclination, node, perihelion, axis, eccentricity, anomaly = target
    return make_minor_planet_target(
        "MPC_MINOR_PLANET", epoch, inclination, node, perihelion, axis, eccentricity, anomaly
    )


def answer(case: dict[str, Any]) -> tuple[float, list[list[list[list[float]]]]]:
    start, end = (datetime.fromtimestamp(t, UTC).replace(tzinfo=None) for t in case["span"])
    windows: list[list[list[list[float]]]] = [[] for _ in case["targets"]]
    began = time.process_time()
    for site in case["sites"]:
        visibility = Visibility(
            site_of(site),
            start,
            end,
            site["horizon_deg"],
            "nautical",
            site["ha_limit_neg_h"],
            site["ha_limit_pos_h"],
            site["zenith_blind_spot_deg"],
        )
        for number, target in enumerate(case["targets"]):
            found = visibility.get_observable_intervals(
                target_of(target), airmass=2.0, moon_distance=Angle(degrees=30.0)
            )
            windows[number].append([[t.replace(tzinfo=UTC).timestamp() for t in window] for window in found])
    return time.process_time() - began, windows


def glued(windows: list[list[float]]) -> list[list[float]]:
    """Windows that follow each other within a second as one: the peer leaves its chunks apart."""
    result: list[list[float]] = []
    for start, end in sorted(windows):
        if result and start - result[-1][1] < 1.0:
            result[-1][1] = max(end, result[-1][1])
        else:
            result.append([start, end])
    return result


def main() -> None:
    results = {}
    for name, case in json.load(sys.stdin).items():
        days = (case["span"][1] - case["span"][0]) / 86_400.0
        work = days * len(case["sites"]) * len(case["targets"])
        runs = [answer(case) for _ in range(case["runs"])]
        seconds = sorted(run[0] for run in runs)[len(runs) // 2]
        results[name] = {"seconds_per_target_site_day": seconds / work}
        if case.get("windows"):
            results[name]["windows"] = [[glued(windows) for windows in row] for row in runs[0][1]]
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
