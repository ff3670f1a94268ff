"""Two-body motion about the Sun, one formula for ellipses, the parabola and hyperbolas.

From perihelion, in universal variables (Danby, *Fundamentals of Celestial Mechanics*, 2nd ed., section 6.9): with
``ds = dt / r`` and ``beta = mu (1 - e) / q``,

    t = q s + mu e s^3 c3(beta s^2),        x = q - mu s^2 c2,        y = sqrt(mu (1 + e) / q) (t - mu s^3 c3)

where c2 and c3 are Stumpff's functions. ``t(s)`` is increasing, and convex from perihelion to aphelion, so that
Newton's iteration from the parabola's solution converges for every orbit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from armillary.riseset.errors import InvalidElements
from armillary.riseset.quantities import ARCSEC_RAD, AU_KM, DAY_S, SPEED_OF_LIGHT_KM_S
from armillary.riseset.targets import Comet, MajorPlanet, MinorPlanet
from armillary.riseset.timescales import FloatArray

GAUSS: Final = 0.017_202_098_95  # Gauss's constant: sqrt(GM of the Sun) in au^1.5 / day
_MJD_OF_1970: Final = 40_587.0
# Obliquity of J2000 by IAU 1976, which the MPC's and JPL's ecliptic elements refer to.
_OBLIQUITY_RAD: Final = 84_381.448 * ARCSEC_RAD
_NEWTON_ROUNDS: Final = 60


@dataclass(frozen=True, eq=False)
class Orbits:
    """Many orbits as arrays (n,): au and days of TDB since 1970-01-01.

    ``to_equator`` (n, 3, 2) has the axes of the orbit's plane, towards perihelion and 90 degrees on, as columns in ICRS
    axes.
    """

    perihelion_day: FloatArray
    perihelion_distance_au: FloatArray
    eccentricity: FloatArray
    mu: FloatArray
    to_equator: FloatArray


def _perihelion(target: MinorPlanet | MajorPlanet | Comet) -> tuple[float, float, float]:
    """Time of perihelion (days of TDB since 1970), its distance (au), and mu (au^3/day^2)."""
    if isinstance(target, Comet):
        return target.perihelion_time_mjd - _MJD_OF_1970, target.perihelion_distance_au, GAUSS**2
    axis = target.semimajor_axis_au
    motion = np.radians(target.daily_motion_deg) if isinstance(target, MajorPlanet) else GAUSS / axis**1.5
    anomaly = np.radians((target.mean_anomaly_deg + 180.0) % 360.0 - 180.0)
    day = target.epoch_mjd - _MJD_OF_1970 - anomaly / motion
    return float(day), axis * (1.0 - target.eccentricity), float(motion**2 * axis**3)


def _plane(target: MinorPlanet | MajorPlanet | Comet) -> FloatArray:
    i, node, peri = np.radians([target.inclination_deg, target.ascending_node_deg, target.argument_of_perihelion_deg])
    along_node = np.array([np.cos(node), np.sin(node), 0.0])
    across = np.array([-np.sin(node) * np.cos(i), np.cos(node) * np.cos(i), np.sin(i)])
    ecliptic = np.stack(
        [np.cos(peri) * along_node + np.sin(peri) * across, np.cos(peri) * across - np.sin(peri) * along_node], axis=1
    )
    c, s = np.cos(_OBLIQUITY_RAD), np.sin(_OBLIQUITY_RAD)
    plane: FloatArray = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]]) @ ecliptic
    return plane


def orbits_of(targets: list[MinorPlanet | MajorPlanet | Comet]) -> Orbits:
    """The orbits of some targets."""
    perihelia = np.array([_perihelion(target) for target in targets]).reshape(-1, 3)
    return Orbits(
        perihelion_day=perihelia[:, 0],
        perihelion_distance_au=perihelia[:, 1],
        eccentricity=np.array([target.eccentricity for target in targets], dtype=float),
        mu=perihelia[:, 2],
        to_equator=np.array([_plane(target) for target in targets]).reshape(-1, 3, 2),
    )


def stumpff(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Stumpff's c2(x) = (1 - cos sqrt x) / x and c3(x) = (sqrt x - sin sqrt x) / x^1.5, for x of either sign."""
    small = np.abs(x) < 0.3
    safe = np.where(small, 1.0, x)
    root = np.sqrt(np.abs(safe))
    with np.errstate(over="ignore"):  # a Newton step far out on a hyperbola; the caller looks for what is not finite
        cosine = np.where(safe > 0, np.cos(root), np.cosh(root))
        sine = np.where(safe > 0, np.sin(root), np.sinh(root))
    far2 = (1.0 - cosine) / safe
    far3 = np.where(safe > 0, root - sine, sine - root) / root**3
    y = np.where(small, x, 0.0)
    near2 = (1 - y / 12 * (1 - y / 30 * (1 - y / 56 * (1 - y / 90 * (1 - y / 132))))) / 2
    near3 = (1 - y / 20 * (1 - y / 42 * (1 - y / 72 * (1 - y / 110 * (1 - y / 156))))) / 6
    return np.where(small, near2, far2), np.where(small, near3, far3)


def _parabola(q: FloatArray, mu_e: FloatArray, time: FloatArray) -> FloatArray:
    """The root of q s + mu e s^3 / 6 = t: exact for a parabola, below the root of an ellipse."""
    cubic = np.maximum(mu_e, 1e-300)
    p, half = 2.0 * q / cubic, 3.0 * time / cubic
    with np.errstate(over="ignore", invalid="ignore"):
        big = np.cbrt(half + np.sqrt(half * half + p**3))
        root = big - p / big
    linear = time / q
    return np.where((mu_e > 1e-12) & np.isfinite(root), root, linear)


def _universal_anomaly(orbits: Orbits, time: FloatArray) -> FloatArray:
    """The universal anomaly s for times from perihelion, not negative (days), of shape (n, times)."""
    q = orbits.perihelion_distance_au[:, None]
    mu_e = (orbits.mu * orbits.eccentricity)[:, None]
    beta = (orbits.mu * (1.0 - orbits.eccentricity) / orbits.perihelion_distance_au)[:, None]
    limit = np.where(beta > 0, np.pi / np.sqrt(np.where(beta > 0, beta, 1.0)), np.inf)
    # A hyperbola runs ahead of its parabola: start no further than where its exponential growth has reached the time.
    reach = np.where(beta < 0, (np.arcsinh(time * np.abs(beta) ** 1.5 / mu_e.clip(1e-300)) + 2.0), np.inf)
    bound = np.where(beta < 0, reach / np.sqrt(np.where(beta < 0, -beta, 1.0)), limit)
    s: FloatArray = np.minimum(_parabola(q, mu_e, time), bound)
    for _round in range(_NEWTON_ROUNDS):
        x = beta * s * s
        c2, c3 = stumpff(x)
        error = q * s + mu_e * s**3 * c3 - time
        radius = q + mu_e * s * s * c2
        step = error / radius
        s = np.minimum(np.maximum(s - step, 0.0), limit)
        if np.all(np.abs(step) <= 1e-13 * (np.abs(s) + 1e-6)):
            return s
    if np.all(
        np.abs(step) <= 1e-9 * (np.abs(s) + 1e-6)
    ):  # a rounding-error limit cycle, still far below a milliarcsecond
        return s
    raise InvalidElements(
        "Kepler's equation did not converge for these elements; check perihelion distance and eccentricity."
    )


def heliocentric(orbits: Orbits, tdb_s: FloatArray) -> FloatArray:
    """Places about the Sun, ICRS axes, au.

    Args:
        orbits: n orbits.
        tdb_s: seconds of TDB since 1970-01-01, of shape (n, times) or (1, times).

    Returns:
        (n, times, 3).
    """
    time = tdb_s / DAY_S - orbits.perihelion_day[:, None]
    q, e, mu = (a[:, None] for a in (orbits.perihelion_distance_au, orbits.eccentricity, orbits.mu))
    ellipse = e < 1.0
    axis = q / np.where(ellipse, 1.0 - e, 1.0)
    period = np.where(ellipse, 2.0 * np.pi * np.sqrt(axis**3 / mu), 1.0)
    time = np.where(ellipse, time - period * np.rint(time / period), time)
    s = _universal_anomaly(orbits, np.abs(time))
    c2, c3 = stumpff((mu * (1.0 - e) / q) * s * s)
    x = q - mu * s * s * c2
    y = np.sqrt(mu * (1.0 + e) / q) * (time - np.copysign(mu * s**3 * c3, time))
    place: FloatArray = np.einsum("nij,ntj->nti", orbits.to_equator, np.stack([x, y], axis=-1))
    return place


def least_distance_au(orbits: Orbits, tdb_s: FloatArray) -> FloatArray:
    """A lower estimate of the distance from the Sun over a span, (n,): how closely it must be sampled."""
    inside = np.any(np.diff(np.sign(tdb_s[None, :] / DAY_S - orbits.perihelion_day[:, None]), axis=1) != 0, axis=1)
    sampled = np.linalg.norm(heliocentric(orbits, tdb_s[None, :]), axis=-1).min(axis=1)
    return np.where(inside, orbits.perihelion_distance_au, sampled)


def geocentric(
    orbits: Orbits, tdb_s: FloatArray, earth_km: FloatArray, sun_km: FloatArray, sun_velocity_km_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Geocentric and heliocentric places with the light time taken off, km, (n, times, 3).

    Args:
        orbits: n orbits.
        tdb_s: (times,).
        earth_km: barycentric place of the Earth at these times, (times, 3).
        sun_km: that of the Sun.
        sun_velocity_km_s: and the Sun's velocity.
    """
    delay = np.zeros((len(orbits.mu), len(tdb_s)))
    for _iteration in range(3):  # light time; each round gains a factor of 1e4
        about_sun = heliocentric(orbits, tdb_s[None, :] - delay) * AU_KM
        from_earth = about_sun + (sun_km - earth_km) - sun_velocity_km_s * delay[..., None]
        delay = np.linalg.norm(from_earth, axis=-1) / SPEED_OF_LIGHT_KM_S
    return from_earth, about_sun
