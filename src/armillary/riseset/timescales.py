"""Times: civil UTC outside, a uniform scale inside.

Inside the package a time is a float64 of *TAI seconds*: seconds of International Atomic Time since
1970-01-01T00:00:00 TAI. The scale has no leap seconds, so that whatever moves in it moves smoothly. 2026 needs 31 bits
of seconds, which leaves a resolution of 0.24 microseconds.

Sources: IERS leap second table and finals2000A (rapid service, observed and predicted), both as packed by
``astropy-iers-data``; TDB - TT after Fairhead & Bretagnon's leading term.
"""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import astropy_iers_data
import numpy as np
from numpy.typing import NDArray

from armillary.riseset.errors import EarthOrientationWarning, EphemerisRange, InvalidTime
from armillary.riseset.quantities import ARCSEC_RAD, DAY_S

FloatArray = NDArray[np.float64]

TT_MINUS_TAI_S: Final = 32.184
JD_OF_1970: Final = 2_440_587.5
_MJD_OF_1970: Final = 40_587.0
J2000_TAI_S: Final = (2_451_545.0 - JD_OF_1970) * DAY_S - TT_MINUS_TAI_S

# The ephemeris in data/ is a little longer than this, so that a light time and the nodes of interpolation fit inside.
FIRST_SECOND: Final = datetime(1973, 2, 1, tzinfo=UTC).timestamp()
LAST_SECOND: Final = datetime(2069, 12, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class LeapSeconds:
    """TAI - UTC as steps: ``offset_s[i]`` holds from ``unix_s[i]`` on."""

    unix_s: FloatArray
    tai_s: FloatArray
    offset_s: FloatArray


@cache
def leap_seconds() -> LeapSeconds:
    """The IERS table."""
    rows = [
        line.split() for line in Path(astropy_iers_data.IERS_LEAP_SECOND_FILE).read_text(encoding="ascii").splitlines()
    ]
    table = np.array([(float(row[0]), float(row[4])) for row in rows if row and not row[0].startswith("#")])
    unix = (table[:, 0] - _MJD_OF_1970) * DAY_S
    return LeapSeconds(unix, unix + table[:, 1], table[:, 1])


def tai_from_unix(unix_s: FloatArray) -> FloatArray:
    """TAI seconds of Unix seconds (UTC)."""
    table = leap_seconds()
    return unix_s + table.offset_s[np.maximum(np.searchsorted(table.unix_s, unix_s, "right") - 1, 0)]


def tai_of(unix_s: float) -> float:
    """The same of one number, sooner."""
    table = leap_seconds()
    return unix_s + float(table.offset_s[max(bisect_right(table.unix_s, unix_s) - 1, 0)])


def unix_from_tai(tai_s: FloatArray) -> FloatArray:
    """Unix seconds (UTC) of TAI seconds. During a leap second the Unix second before it is repeated."""
    table = leap_seconds()
    return tai_s - table.offset_s[np.maximum(np.searchsorted(table.tai_s, tai_s, "right") - 1, 0)]


def tdb_from_tai(tai_s: FloatArray) -> FloatArray:
    """Seconds of TDB since 1970-01-01T00:00:00 TDB; the periodic term is good to 0.05 ms, 0.03 mas of the Moon."""
    tt = tai_s + TT_MINUS_TAI_S
    anomaly = 6.240_060_13 + 1.990_968_71e-7 * (tai_s - J2000_TAI_S)
    return tt + 0.001657 * np.sin(anomaly + 0.01671 * np.sin(anomaly))


@dataclass(frozen=True)
class EarthOrientation:
    """UT1 - TAI (s) and the coordinates of the pole (rad) against TAI seconds."""

    tai_s: FloatArray
    ut1_minus_tai_s: FloatArray
    pole_x_rad: FloatArray
    pole_y_rad: FloatArray

    def at(self, tai_s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """UT1 - TAI, pole x and y, linear between the daily values, constant outside of the table."""
        return (
            np.interp(tai_s, self.tai_s, self.ut1_minus_tai_s),
            np.interp(tai_s, self.tai_s, self.pole_x_rad),
            np.interp(tai_s, self.tai_s, self.pole_y_rad),
        )


@cache
def earth_orientation() -> EarthOrientation:
    """The IERS finals2000A table: observed from 1973, then predicted about a year ahead of its release."""
    raw = np.fromfile(astropy_iers_data.IERS_A_FILE, dtype="S1")
    lines = raw.reshape(-1, 188)  # fixed-width: 187 columns and a line feed

    def column(first: int, last: int) -> NDArray[np.bytes_]:
        return np.ascontiguousarray(lines[:, first:last]).view(f"S{last - first}")[:, 0]

    known = np.char.strip(column(58, 68)) != b""
    mjd, x, y, ut1 = (column(*span)[known].astype(float) for span in ((7, 15), (18, 27), (37, 46), (58, 68)))
    unix = (mjd - _MJD_OF_1970) * DAY_S
    tai = tai_from_unix(unix)
    return EarthOrientation(tai, ut1 - (tai - unix), x * ARCSEC_RAD, y * ARCSEC_RAD)


def require_aware(time: datetime, name: str) -> float:
    """Unix seconds of an aware datetime.

    Raises:
        InvalidTime: it is not a datetime, or names no time zone.
    """
    if not isinstance(time, datetime):
        raise InvalidTime(f"{name} must be a datetime with a time zone, not {time!r}.")
    if time.tzinfo is None or time.utcoffset() is None:
        raise InvalidTime(f"{name} is {time.isoformat()} without a time zone; give it one, such as tzinfo=UTC.")
    return time.timestamp()


def require_span(start: datetime, end: datetime) -> tuple[float, float]:
    """Start and end of a span as Unix seconds.

    Raises:
        InvalidTime: one of them is naive, or the end lies before the start.
        EphemerisRange: the span leaves the ephemeris.
    """
    first, last = require_aware(start, "start"), require_aware(end, "end")
    if last < first:
        raise InvalidTime(f"the span is reversed: it ends ({end.isoformat()}) before it starts ({start.isoformat()}).")
    require_ephemeris(first, last)
    return first, last


def require_times(times: datetime | Sequence[datetime] | FloatArray) -> FloatArray:
    """Unix seconds of one datetime, a sequence of them, or an array of Unix seconds.

    Raises:
        InvalidTime: a datetime is naive, or an array is not of numbers.
        EphemerisRange: a time leaves the ephemeris.
    """
    if isinstance(times, datetime):
        unix = np.array(require_aware(times, "times"))
    elif isinstance(times, np.ndarray) and times.dtype.kind in "fiu":
        unix = times.astype(np.float64)
    else:
        unix = np.array([require_aware(time, f"times[{index}]") for index, time in enumerate(times)], dtype=float)
    if unix.size:
        require_ephemeris(float(unix.min()), float(unix.max()))
    return unix


def require_ephemeris(first_unix_s: float, last_unix_s: float) -> None:
    """Refuse what the ephemeris does not cover, and warn of what the Earth-orientation table does not cover.

    Raises:
        EphemerisRange: a time is outside of 1973-02-01 .. 2069-12-01 (or not a number).
    """
    if not (first_unix_s >= FIRST_SECOND and last_unix_s <= LAST_SECOND):
        raise EphemerisRange(
            "the ephemeris covers 1973-02-01 to 2069-12-01 (UTC); "
            f"asked for {_civil(first_unix_s)} to {_civil(last_unix_s)}."
        )
    table_end = earth_orientation().tai_s[-1]
    if last_unix_s > table_end:
        warnings.warn(
            f"Earth orientation is known and predicted until {_civil(table_end)} only; its last value is used up to "
            f"{_civil(last_unix_s)} (an error that grows by about 0.1 s a year). Update astropy-iers-data.",
            EarthOrientationWarning,
            stacklevel=4,
        )


def _civil(unix_s: float) -> str:
    # Not every float is a date: show the number where it is not.
    if not -6e10 < unix_s < 2.5e11:
        return f"{unix_s!r} s"
    return datetime.fromtimestamp(unix_s, UTC).date().isoformat()


def datetime_from_unix(unix_s: float) -> datetime:
    """An aware UTC datetime, to the microsecond."""
    return datetime.fromtimestamp(unix_s, UTC)
