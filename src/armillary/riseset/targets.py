"""What one observes."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Final

from armillary.riseset.errors import InvalidElements, InvalidTarget, InvalidTwoLineElements
from armillary.riseset.quantities import require_between, require_finite

BODIES: Final = ("sun", "moon", "mercury", "venus", "mars", "jupiter", "saturn", "uranus", "neptune")


@dataclass(frozen=True, slots=True)
class SiderealTarget:
    """A star, galaxy or empty field, in ICRS coordinates.

    Attributes:
        ra_deg: right ascension at ``epoch``, 0 to 360.
        dec_deg: declination at ``epoch``, -90 to 90.
        pm_ra_mas_yr: proper motion in right ascension times cos(declination), mas per Julian year.
        pm_dec_mas_yr: proper motion in declination.
        parallax_mas: annual parallax, not negative.
        radial_velocity_km_s: receding positive; matters only together with a parallax.
        epoch: Julian epoch (TDB) at which the coordinates hold. It is the epoch of the position, never an equinox: the
            axes are the ICRS whatever the epoch.

    Raises:
        InvalidTarget: a number is out of range.
    """

    ra_deg: float
    dec_deg: float
    _: KW_ONLY
    pm_ra_mas_yr: float = 0.0
    pm_dec_mas_yr: float = 0.0
    parallax_mas: float = 0.0
    radial_velocity_km_s: float = 0.0
    epoch: float = 2000.0

    def __post_init__(self) -> None:
        require_between(self.ra_deg, 0.0, 360.0, "ra_deg", InvalidTarget)
        require_between(self.dec_deg, -90.0, 90.0, "dec_deg", InvalidTarget)
        require_finite(self.pm_ra_mas_yr, "pm_ra_mas_yr", InvalidTarget)
        require_finite(self.pm_dec_mas_yr, "pm_dec_mas_yr", InvalidTarget)
        require_between(self.parallax_mas, 0.0, 1e6, "parallax_mas", InvalidTarget)
        require_between(self.radial_velocity_km_s, -3e5, 3e5, "radial_velocity_km_s", InvalidTarget)
        require_between(self.epoch, 1000.0, 3000.0, "epoch (a Julian year)", InvalidTarget)


def _require_orientation(inclination_deg: float, ascending_node_deg: float, argument_of_perihelion_deg: float) -> None:
    require_between(inclination_deg, 0.0, 180.0, "inclination_deg", InvalidElements)
    require_between(ascending_node_deg, -360.0, 360.0, "ascending_node_deg", InvalidElements)
    require_between(argument_of_perihelion_deg, -360.0, 360.0, "argument_of_perihelion_deg", InvalidElements)


def _require_ellipse(scheme: str, semimajor_axis_au: float, eccentricity: float, mean_anomaly_deg: float) -> None:
    require_finite(eccentricity, "eccentricity", InvalidElements)
    if not 0.0 <= eccentricity < 1.0:
        raise InvalidElements(
            f"{scheme} elements need an eccentricity of at least 0 and below 1, not {eccentricity!r}; "
            "give a parabolic or hyperbolic orbit as a Comet with its perihelion distance."
        )
    require_finite(semimajor_axis_au, "semimajor_axis_au", InvalidElements)
    if semimajor_axis_au <= 0.0:
        raise InvalidElements(f"semimajor_axis_au (mean distance) must be positive, not {semimajor_axis_au!r}.")
    require_finite(mean_anomaly_deg, "mean_anomaly_deg", InvalidElements)


@dataclass(frozen=True, slots=True)
class MinorPlanet:
    """An elliptic heliocentric orbit as the Minor Planet Center publishes it; moved by the Sun alone.

    Attributes:
        epoch_mjd: epoch of the elements, MJD (TDB).
        inclination_deg, ascending_node_deg, argument_of_perihelion_deg: in the ecliptic of J2000.
        semimajor_axis_au, eccentricity, mean_anomaly_deg: shape, and place at the epoch.

    Raises:
        InvalidElements: the elements are impossible, or not those of an ellipse.
    """

    epoch_mjd: float
    inclination_deg: float
    ascending_node_deg: float
    argument_of_perihelion_deg: float
    semimajor_axis_au: float
    eccentricity: float
    mean_anomaly_deg: float

    def __post_init__(self) -> None:
        require_between(self.epoch_mjd, -1e6, 1e6, "epoch_mjd", InvalidElements)
        _require_orientation(self.inclination_deg, self.ascending_node_deg, self.argument_of_perihelion_deg)
        _require_ellipse("MinorPlanet", self.semimajor_axis_au, self.eccentricity, self.mean_anomaly_deg)


@dataclass(frozen=True, slots=True)
class Comet:
    """An elliptic, parabolic or hyperbolic heliocentric orbit given by its perihelion; moved by the Sun alone.

    Attributes:
        perihelion_time_mjd: time of perihelion passage, MJD (TDB).
        inclination_deg, ascending_node_deg, argument_of_perihelion_deg: in the ecliptic of J2000.
        perihelion_distance_au, eccentricity: shape; any eccentricity from 0 on.
        epoch_mjd: epoch of osculation, MJD (TDB). Two-body motion does not need it; it is kept for the record.

    Raises:
        InvalidElements: the elements are impossible.
    """

    perihelion_time_mjd: float
    inclination_deg: float
    ascending_node_deg: float
    argument_of_perihelion_deg: float
    perihelion_distance_au: float
    eccentricity: float
    _: KW_ONLY
    epoch_mjd: float | None = None

    def __post_init__(self) -> None:
        require_between(self.perihelion_time_mjd, -1e6, 1e6, "perihelion_time_mjd", InvalidElements)
        _require_orientation(self.inclination_deg, self.ascending_node_deg, self.argument_of_perihelion_deg)
        require_between(self.eccentricity, 0.0, 1e6, "eccentricity", InvalidElements)
        require_finite(self.perihelion_distance_au, "perihelion_distance_au", InvalidElements)
        if self.perihelion_distance_au <= 0.0:
            raise InvalidElements(f"perihelion_distance_au must be positive, not {self.perihelion_distance_au!r}.")
        if self.epoch_mjd is not None:
            require_between(self.epoch_mjd, -1e6, 1e6, "epoch_mjd", InvalidElements)


@dataclass(frozen=True, slots=True)
class MajorPlanet:
    """An elliptic heliocentric orbit with its own daily motion, as JPL publishes osculating elements of planets.

    Attributes:
        daily_motion_deg: mean motion, degrees per day; positive.
        (the others as for :class:`MinorPlanet`)

    Raises:
        InvalidElements: the elements are impossible.
    """

    epoch_mjd: float
    inclination_deg: float
    ascending_node_deg: float
    argument_of_perihelion_deg: float
    semimajor_axis_au: float
    eccentricity: float
    mean_anomaly_deg: float
    daily_motion_deg: float

    def __post_init__(self) -> None:
        require_between(self.epoch_mjd, -1e6, 1e6, "epoch_mjd", InvalidElements)
        _require_orientation(self.inclination_deg, self.ascending_node_deg, self.argument_of_perihelion_deg)
        _require_ellipse("MajorPlanet", self.semimajor_axis_au, self.eccentricity, self.mean_anomaly_deg)
        require_finite(self.daily_motion_deg, "daily_motion_deg", InvalidElements)
        if self.daily_motion_deg <= 0.0:
            raise InvalidElements(f"daily_motion_deg must be positive, not {self.daily_motion_deg!r}.")


@dataclass(frozen=True, slots=True)
class SolarSystemBody:
    """The Sun, the Moon or a planet, from JPL's DE421.

    Attributes:
        name: "sun", "moon", "mercury", "venus", "mars", "jupiter", "saturn", "uranus" or "neptune".

    Raises:
        InvalidTarget: the name is none of these.
    """

    name: str

    def __post_init__(self) -> None:
        if self.name not in BODIES:
            raise InvalidTarget(f"name must be one of {', '.join(BODIES)}, not {self.name!r}.")


@dataclass(frozen=True, slots=True)
class HourAngleTarget:
    """A direction fixed to the ground by hour angle and declination (a dome screen, a pointing test).

    Attributes:
        hour_angle_h: hours, west positive, -24 to 24.
        dec_deg: apparent declination of date.

    Raises:
        InvalidTarget: a number is out of range.
    """

    hour_angle_h: float
    dec_deg: float

    def __post_init__(self) -> None:
        require_between(self.hour_angle_h, -24.0, 24.0, "hour_angle_h", InvalidTarget)
        require_between(self.dec_deg, -90.0, 90.0, "dec_deg", InvalidTarget)


@dataclass(frozen=True, slots=True)
class AltAzTarget:
    """A direction fixed to the ground by altitude and azimuth.

    Attributes:
        altitude_deg: above the horizon, -90 to 90.
        azimuth_deg: from north through east, -360 to 360.

    Raises:
        InvalidTarget: a number is out of range.
    """

    altitude_deg: float
    azimuth_deg: float

    def __post_init__(self) -> None:
        require_between(self.altitude_deg, -90.0, 90.0, "altitude_deg", InvalidTarget)
        require_between(self.azimuth_deg, -360.0, 360.0, "azimuth_deg", InvalidTarget)


def _require_line(line: str, number: int) -> str:
    if not isinstance(line, str):
        raise InvalidTwoLineElements(f"line {number} of a two-line element set must be text, not {line!r}.")
    text = line.rstrip()
    if len(text) != 69 or not text.startswith(f"{number} "):
        raise InvalidTwoLineElements(
            f'line {number} of a two-line element set must begin with "{number} " and have 69 characters; '
            f"got {len(text)} characters: {text!r}."
        )
    total = sum(int(c) if c.isdigit() else c == "-" for c in text[:68]) % 10
    if text[68] != str(total):
        raise InvalidTwoLineElements(f"checksum of line {number} is {text[68]!r}, but its digits sum to {total}.")
    return text


@dataclass(frozen=True, slots=True)
class EarthSatellite:
    """An artificial satellite by its two-line elements, moved by SGP4.

    Attributes:
        line1, line2: the two lines, checksums included.

    Raises:
        InvalidTwoLineElements: a line is malformed, a checksum is wrong or the lines are of two satellites.
    """

    line1: str
    line2: str

    def __post_init__(self) -> None:
        first, second = _require_line(self.line1, 1), _require_line(self.line2, 2)
        if first[2:7] != second[2:7]:
            raise InvalidTwoLineElements(f"line 1 is of satellite {first[2:7]!r} but line 2 of {second[2:7]!r}.")


MovingTarget = MinorPlanet | Comet | MajorPlanet | SolarSystemBody
FixedTarget = HourAngleTarget | AltAzTarget
Target = SiderealTarget | MovingTarget | FixedTarget | EarthSatellite
