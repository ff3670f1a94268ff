"""Whether a schedule file obeys its instance file: from the text of the format alone, with nothing of Armillary."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

TOLERANCE_S = 1e-6


def read(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    document: dict[str, Any] = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    return document


def check(instance: dict[str, Any], schedule: dict[str, Any]) -> tuple[list[str], float]:
    """What is wrong, and the summed priority."""
    reservations = {each["id"]: each for each in instance["reservations"]}
    faults: list[str] = []
    busy: dict[str, list[tuple[float, float]]] = defaultdict(list)
    times = Counter(name for name, _, _ in schedule["entries"])
    faults += [f"{name} is scheduled {count} times" for name, count in times.items() if count > 1]
    for name, resource, start in schedule["entries"]:
        end = start + reservations[name]["duration"]
        own, whole = reservations[name]["windows"].get(resource, []), instance["resources"][resource]["windows"]
        for windows, whose in ((own, "its"), (whole, "the resource's")):
            if not any(a - TOLERANCE_S <= start and end <= b + TOLERANCE_S for a, b in windows):
                faults.append(f"{name} at {start} on {resource} is outside of {whose} windows")
        busy[resource].append((start, end))
    for resource, spans in busy.items():
        for before, after in pairwise(sorted(spans)):
            if after[0] < before[1] - TOLERANCE_S:
                faults.append(f"{before} and {after} overlap on {resource}")
    for group in instance["groups"]:
        inside = sum(member in times for member in group["members"])
        allowed = {"oneof": {0, 1}, "and": {0, len(group["members"])}}.get(group["type"])
        if allowed is not None and inside not in allowed:
            faults.append(f"{inside} members of the {group['type']} group {group['id']} are scheduled")
    return faults, sum(reservations[name]["priority"] for name in times)
