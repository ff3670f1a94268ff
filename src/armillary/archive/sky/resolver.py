"""Where objects with a name are.

NGC, IC and Messier objects come from the OpenNGC catalogue (package PyOngc), bright stars from a short list beside this
module; neither needs a network. Further resolvers are entry points of the group ``armillary.name_resolvers``: functions
from a name to a :class:`Place` or ``None``. ``ARMILLARY_ARCHIVE_NAME_RESOLVERS`` says which are asked, and in which
order, about names that are not known here; ``sesame`` (of the CDS, over the network) comes with Armillary.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import entry_points
from typing import Final

from pyongc import ongc
from pyongc.exceptions import ObjectNotFound, UnknownIdentifier

from armillary.configuration import ConfigurationError, configuration

GROUP: Final = "armillary.name_resolvers"
_MESSIER: Final = re.compile(r"^messier\s*", re.IGNORECASE)


class UnknownName(LookupError):
    """No resolver knows an object of this name."""


@dataclass(frozen=True, slots=True)
class Place:
    """A named direction, ICRS."""

    name: str
    ra_deg: float
    dec_deg: float


Resolver = Callable[[str], Place | None]


def resolve(name: str) -> Place:
    """Where an object is.

    Raises:
        UnknownName: Nobody knows.
    """
    wanted = name.strip()
    for resolver in (_star, _nebula_or_galaxy, *further_resolvers(configuration().archive_name_resolvers)):
        if (place := resolver(wanted)) is not None:
            return place
    raise UnknownName(
        f"{name[:80]!r} is not known here; use coordinates, an NGC, IC or Messier number or a bright star"
    )


@cache
def further_resolvers(names: tuple[str, ...]) -> tuple[Resolver, ...]:
    """The resolvers of other packages, by the names of their entry points.

    Raises:
        ConfigurationError: One is not installed.
    """
    installed = {found.name: found for found in entry_points(group=GROUP)}
    if missing := [name for name in names if name not in installed]:
        raise ConfigurationError(
            f"ARMILLARY_ARCHIVE_NAME_RESOLVERS names {missing[0]!r}, which is not installed; installed are "
            + (", ".join(sorted(installed)) or "none")
        )
    return tuple(installed[name].load() for name in names)


def _star(name: str) -> Place | None:
    return _stars().get(name.casefold())


def _nebula_or_galaxy(name: str) -> Place | None:
    found = _by_number(name) or _common_names().get(name.casefold())
    if found is None or found.rad_coords is None:
        return None
    ra, dec = (math.degrees(float(angle)) for angle in found.rad_coords)
    return Place(found.name, ra, dec)


@cache
def _common_names() -> dict[str, ongc.Dso]:
    named = ongc.listObjects(withname=True)
    return {name.casefold(): found for found in named for name in found.identifiers[3] or ()}


def _by_number(name: str) -> ongc.Dso | None:
    try:
        return ongc.get(_MESSIER.sub("M", name))
    except (ObjectNotFound, UnknownIdentifier):
        return None  # how the catalogue says that this is no number of its own


@cache
def _stars() -> dict[str, Place]:
    text = resources.files("armillary.archive.sky").joinpath("stars.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["name"].casefold(): Place(row["name"], float(row["ra_deg"]), float(row["dec_deg"])) for row in rows}
