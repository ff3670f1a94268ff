"""The observatory and everything that waits, as a file: what a simulation starts from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from armillary.core.observatory import Observatory
from armillary.core.requests.facts import Allocation, Downtime, Semester
from armillary.core.requests.instants import format_time
from armillary.core.requests.model import RequestGroup
from armillary.scheduler.snapshot import ProposalStanding, Snapshot

FORMAT: Final = "armillary-world/1"
_GROUPS: Final = TypeAdapter(tuple[RequestGroup, ...])
_MOMENT: Final = TypeAdapter(datetime)


class WorldInvalid(ValueError):
    """A file is not a world; the message says why."""


@dataclass(frozen=True, slots=True)
class World:
    """Where a simulation starts."""

    snapshot: Snapshot
    sites: Sequence[Mapping[str, Any]]
    """The observatory as the configuration database sends it."""

    def as_json(self) -> dict[str, Any]:
        """The world, whole; what is scheduled at present is left out, since the simulation plans anew."""
        snapshot = self.snapshot
        return {
            "format": FORMAT,
            "at": format_time(snapshot.at),
            "sites": list(self.sites),
            "groups": [group.model_dump(mode="json", exclude_unset=True) for group in snapshot.groups],
            "proposals": {name: asdict(each) for name, each in snapshot.proposals.items()},
            "downtimes": [_with_times(asdict(each)) for each in snapshot.downtimes],
            "semesters": [_with_times(asdict(each)) for each in snapshot.semesters],
            "time_overuse_allowance": snapshot.time_overuse_allowance,
        }


def save(world: World, path: Path) -> None:
    """Write a world to a file (``.json`` or ``.json.gz``)."""
    content = json.dumps(world.as_json(), separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def load_world(path: Path) -> World:
    """Read a world from a file.

    Raises:
        WorldInvalid: It is none.
    """
    try:
        content = path.read_bytes()
        return from_json(json.loads(gzip.decompress(content) if path.suffix == ".gz" else content))
    except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
        raise WorldInvalid(f"{path} cannot be read as a world: {error}") from error


def from_json(document: Any) -> World:
    """The world that :meth:`World.as_json` wrote.

    Raises:
        ValueError: The document is none.
    """
    found = document.get("format") if isinstance(document, Mapping) else None
    if found != FORMAT:
        raise WorldInvalid(f"its format is {found!r}, not {FORMAT!r}")
    snapshot = Snapshot(
        at=_MOMENT.validate_python(document["at"]),
        groups=_GROUPS.validate_python(document["groups"]),
        proposals={name: _standing(each) for name, each in document["proposals"].items()},
        observatory=Observatory.from_sites(document["sites"]),
        downtimes=tuple(Downtime(**_from_times(each)) for each in document["downtimes"]),
        live=(),
        semesters=tuple(Semester(**_from_times(each)) for each in document["semesters"]),
        time_overuse_allowance=document["time_overuse_allowance"],
    )
    return World(snapshot, document["sites"])


def _standing(document: Mapping[str, Any]) -> ProposalStanding:
    allocations = (
        Allocation(**{**each, "instrument_types": tuple(each["instrument_types"])}) for each in document["allocations"]
    )
    return ProposalStanding(float(document["tac_priority"]), tuple(allocations))


def _with_times(document: dict[str, Any]) -> dict[str, Any]:
    return document | {name: format_time(document[name]) for name in ("start", "end")}


def _from_times(document: Mapping[str, Any]) -> dict[str, Any]:
    return {**document, **{name: _MOMENT.validate_python(document[name]) for name in ("start", "end")}}
