"""What the rise-set library refuses, each with a sentence that says what was wrong and what would be accepted."""

from __future__ import annotations


class RiseSetError(ValueError):
    """Any refusal of this package."""


class InvalidSite(RiseSetError):
    """A site's coordinates or limits are impossible."""


class InvalidTarget(RiseSetError):
    """A target's coordinates are impossible."""


class InvalidElements(InvalidTarget):
    """Orbital elements contradict each other or their scheme."""


class InvalidTwoLineElements(InvalidTarget):
    """A satellite's two-line element set is malformed, or its orbit has decayed at the time asked for."""


class InvalidConstraint(RiseSetError):
    """An observing constraint is outside its range."""


class InvalidTime(RiseSetError):
    """A time is naive, or a span is reversed."""


class EphemerisRange(RiseSetError):
    """A time lies outside the ephemeris that ships with the package."""


class EarthOrientationWarning(UserWarning):
    """A time lies outside the Earth-orientation tables; the nearest tabulated value is used."""
