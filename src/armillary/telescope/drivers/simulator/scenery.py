"""What a named target looks like: a star, or a nebula or galaxy of some size and brightness."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from armillary.telescope.drivers.simulator import numbers


class Shape(StrEnum):
    """How the light of a target is spread."""

    POINT = "point"
    RING = "ring"  # a planetary nebula
    DISC = "disc"  # a galaxy: exponential profile


@dataclass(frozen=True, slots=True)
class Appearance:
    """A target as the camera will see it."""

    shape: Shape
    v_magnitude: float
    """Integrated V magnitude."""
    radius_arcsec: float
    """Radius of the ring, or scale length of the disc; 0 for a point."""
    colour: float
    """B-V."""


# Integrated V and radius of bright showpieces, rounded from the NGC/IC catalogue (Messier numbers by their own list).
_KNOWN: Final[Mapping[str, Appearance]] = {
    "M57": Appearance(Shape.RING, 8.8, 38.0, 0.1),
    "M27": Appearance(Shape.RING, 7.4, 170.0, 0.0),
    "M97": Appearance(Shape.RING, 9.9, 90.0, 0.0),
    "M76": Appearance(Shape.RING, 10.1, 50.0, 0.0),
    "NGC7009": Appearance(Shape.RING, 8.0, 15.0, 0.0),
    "NGC7293": Appearance(Shape.RING, 7.6, 380.0, 0.0),
    "NGC7662": Appearance(Shape.RING, 8.3, 14.0, 0.0),
    "NGC2392": Appearance(Shape.RING, 9.2, 22.0, 0.1),
    "NGC1501": Appearance(Shape.RING, 11.5, 26.0, 0.2),
    "NGC6543": Appearance(Shape.RING, 8.1, 11.0, 0.0),
    "NGC246": Appearance(Shape.RING, 10.9, 115.0, 0.0),
    "M51": Appearance(Shape.DISC, 8.4, 120.0, 0.6),
    "M74": Appearance(Shape.DISC, 9.4, 110.0, 0.6),
    "M77": Appearance(Shape.DISC, 8.9, 60.0, 0.7),
    "M82": Appearance(Shape.DISC, 8.4, 80.0, 0.9),
    "NGC891": Appearance(Shape.DISC, 10.0, 100.0, 0.9),
}
_NEBULA: Final = re.compile(r"nebula|planetary|^pn\b|^abell|^sh\s*2|^ic\s*\d", re.IGNORECASE)
_GALAXY: Final = re.compile(r"galaxy|^ngc\s*\d|^ugc\s*\d|^m\s*\d", re.IGNORECASE)


def appearance_of(target: Mapping[str, Any]) -> Appearance:
    """What a target looks like, from its name and, if given, ``extra_params.v_magnitude`` and ``.radius_arcsec``."""
    name = str(target.get("name", ""))
    found = _KNOWN.get(_catalogue_number(name)) or _guessed(name)
    extra = target.get("extra_params") or {}
    return Appearance(
        found.shape,
        _number(extra.get("v_magnitude"), found.v_magnitude),
        _number(extra.get("radius_arcsec"), found.radius_arcsec),
        found.colour,
    )


def _catalogue_number(name: str) -> str:
    match = re.search(r"\b(M|NGC)\s*-?\s*(\d+)\b", name, re.IGNORECASE)
    return f"{match[1].upper()}{match[2]}" if match else ""


def _guessed(name: str) -> Appearance:
    digest = hashlib.blake2b(name.lower().encode(), digest_size=8).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32
    colour = 0.2 + 0.9 * int.from_bytes(digest[4:], "big") / 2**32
    if _NEBULA.search(name):
        return Appearance(Shape.RING, numbers.NEBULA_MAGNITUDE, numbers.NEBULA_RADIUS_ARCSEC, 0.1)
    if _GALAXY.search(name):
        return Appearance(Shape.DISC, numbers.NEBULA_MAGNITUDE, numbers.NEBULA_RADIUS_ARCSEC, 0.7)
    magnitude = numbers.TARGET_BRIGHTEST + share * (numbers.TARGET_FAINTEST - numbers.TARGET_BRIGHTEST)
    return Appearance(Shape.POINT, magnitude, 0.0, colour)


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
