"""The sky computed anew at every instant, by another road than ``armillary.riseset``: slow, and the measure of it.

Nothing is tabulated or interpolated, and nothing is shared with the package but the published data: ERFA's own
astrometry chain (``apco``, ``atciq``, ``atioq``, IAU 2006/2000A at every epoch), DE421 as PyPI ships it (read by
``jplephem`` at full precision), finals2000A as ``astropy`` reads it. The observer's place and velocity enter before the
aberration, as they should. Used by ``benchmarks/riseset.py`` and by the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import astropy_iers_data
import de421
import erfa
import numpy as np
from astropy.utils import iers
from jplephem import Ephemeris
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

AU_KM = 149_597_870.7
LIGHT_KM_S = 299_792.458
DAY_S = 86_400.0
JD_1970 = 2_440_587.5
MOON_RADIUS_KM = 1737.4


@cache
def _ephemeris() -> Any:
    return Ephemeris(de421)


@cache
def _orientation() -> Any:
    return iers.IERS_A.open(astropy_iers_data.IERS_A_FILE)


def barycentric(body: str, tdb: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Place (km) and velocity (km/s), (times, 3), at TDB days since 1970."""
    ephemeris = _ephemeris()

    def state(name: str) -> tuple[FloatArray, FloatArray]:
        place, velocity = ephemeris.position_and_velocity(name, JD_1970, tdb)
        return place.T, velocity.T / DAY_S

    if body not in {"earth", "moon"}:
        return state(body)
    (place, velocity), (moon, moon_velocity) = state("earthmoon"), state("moon")
    share = ephemeris.earth_share if body == "earth" else -ephemeris.moon_share
    return place - share * moon, velocity - share * moon_velocity


@dataclass(frozen=True)
class Epochs:
    """Instants at a site: ERFA's context for each, and the time scales (days since 1970)."""

    astrom: Any
    tdb: FloatArray


@dataclass(frozen=True)
class Place:
    """Airless topocentric place: radians, (times,)."""

    altitude: FloatArray
    azimuth: FloatArray
    hour_angle: FloatArray
    vector: FloatArray
    distance_km: FloatArray


def epochs_at(latitude_deg: float, longitude_deg: float, elevation_m: float, unix_s: FloatArray) -> Epochs:
    """ERFA's context at each Unix second, at full rigour."""
    utc1, utc2 = np.full_like(unix_s, JD_1970), unix_s / DAY_S
    tai1, tai2 = erfa.utctai(utc1, utc2)
    tt1, tt2 = erfa.taitt(tai1, tai2)
    tdb = tt2 + erfa.dtdb(tt1, tt2, 0.0, 0.0, 0.0, 0.0) / DAY_S
    table = _orientation()
    mjd = utc2 + 40_587.0
    dut1 = table.ut1_utc(mjd + 2_400_000.5).value
    x_pole, y_pole = (np.radians(angle.to_value("deg")) for angle in table.pm_xy(mjd + 2_400_000.5))
    ut11, ut12 = erfa.utcut1(utc1, utc2, dut1)
    matrix = erfa.pnm06a(tt1, tt2)
    x, y = matrix[:, 2, 0], matrix[:, 2, 1]
    earth, velocity = barycentric("earth", tdb)
    sun, _ = barycentric("sun", tdb)
    state = np.zeros(len(tdb), dtype=erfa.dt_pv)
    state["p"], state["v"] = earth / AU_KM, velocity * DAY_S / AU_KM
    astrom = erfa.apco(
        tt1,
        tt2,
        state,
        (earth - sun) / AU_KM,
        x,
        y,
        erfa.s06(tt1, tt2, x, y),
        erfa.era00(ut11, ut12),
        np.radians(longitude_deg),
        np.radians(latitude_deg),
        elevation_m,
        x_pole,
        y_pole,
        erfa.sp00(tt1, tt2),
        0.0,
        0.0,
    )
    return Epochs(astrom, tdb)


def _observed(epochs: Epochs, ra: FloatArray, dec: FloatArray, distance_km: FloatArray) -> Place:
    azimuth, zenith_distance, hour_angle, _, _ = erfa.atioq(ra, dec, epochs.astrom)
    altitude = np.pi / 2.0 - zenith_distance
    horizontal = np.cos(altitude)
    vector = np.stack([horizontal * np.cos(azimuth), horizontal * np.sin(azimuth), np.sin(altitude)], axis=-1)
    return Place(altitude, azimuth, hour_angle, vector, distance_km)


def star(epochs: Epochs, ra_deg: float, dec_deg: float) -> Place:
    """A star without proper motion."""
    ra, dec = erfa.atciq(np.radians(ra_deg), np.radians(dec_deg), 0.0, 0.0, 0.0, 0.0, epochs.astrom)
    return _observed(epochs, ra, dec, np.full(ra.shape, np.inf))


def near(epochs: Epochs, place_km: Callable[[FloatArray], FloatArray], *, bent_by_sun: bool) -> Place:
    """A body whose barycentric place is a function of TDB days since 1970; light time from the observer."""
    astrom = epochs.astrom
    observer = astrom["eb"] * AU_KM
    delay = np.zeros(len(epochs.tdb))
    for _ in range(5):
        line = place_km(epochs.tdb - delay / DAY_S) - observer
        distance = np.linalg.norm(line, axis=1)
        delay = distance / LIGHT_KM_S
    direction = line / distance[:, None]
    if bent_by_sun:
        sun, _ = barycentric("sun", epochs.tdb)
        away = line + observer - sun
        away /= np.linalg.norm(away, axis=1)[:, None]
        direction = erfa.ld(1.0, direction, away, astrom["eh"], astrom["em"], 1e-6)
    apparent = erfa.ab(direction, astrom["v"], astrom["em"], astrom["bm1"])
    ra, dec = erfa.c2s(np.einsum("tij,tj->ti", astrom["bpn"], apparent))
    return _observed(epochs, ra, dec, distance)


def body(epochs: Epochs, name: str) -> Place:
    """The Sun, the Moon or a planet."""
    return near(epochs, lambda tdb: barycentric(name, tdb)[0], bent_by_sun=name not in {"sun", "moon"})


def ellipse_km(
    epoch_mjd: float, i_deg: float, node_deg: float, peri_deg: float, a_au: float, e: float, m_deg: float
) -> Callable[[FloatArray], FloatArray]:
    """Barycentric place of a minor planet: Kepler's equation by Newton's iteration in the eccentric anomaly."""
    i, node, peri = np.radians([i_deg, node_deg, peri_deg])
    obliquity = np.radians(84_381.448 / 3600.0)

    def place(tdb: FloatArray) -> FloatArray:
        motion = 0.017_202_098_95 / a_au**1.5
        mean = np.radians(m_deg) + motion * (tdb + 40_587.0 - epoch_mjd)
        anomaly = mean + e * np.sin(mean)
        for _ in range(20):
            anomaly = anomaly - (anomaly - e * np.sin(anomaly) - mean) / (1.0 - e * np.cos(anomaly))
        x, y = a_au * (np.cos(anomaly) - e), a_au * np.sqrt(1.0 - e * e) * np.sin(anomaly)
        along, across = x * np.cos(peri) - y * np.sin(peri), x * np.sin(peri) + y * np.cos(peri)
        ecliptic = np.stack(
            [
                along * np.cos(node) - across * np.sin(node) * np.cos(i),
                along * np.sin(node) + across * np.cos(node) * np.cos(i),
                across * np.sin(i),
            ],
            axis=-1,
        )
        return _equatorial(ecliptic, obliquity) * AU_KM + barycentric("sun", tdb)[0]

    return place


def _equatorial(ecliptic: FloatArray, obliquity: float) -> FloatArray:
    x, y, z = np.moveaxis(ecliptic, -1, 0)
    c, s = np.cos(obliquity), np.sin(obliquity)
    return np.stack([x, c * y - s * z, s * y + c * z], axis=-1)


Margin = Callable[[FloatArray], FloatArray]


def windows_of(margin: Margin, first_unix_s: float, last_unix_s: float, step_s: float = 60.0) -> list[list[float]]:
    """Windows (Unix seconds) in which a margin is not negative: sampled, then every edge bisected to 10 us."""
    count = round((last_unix_s - first_unix_s) / step_s)
    times = first_unix_s + step_s * np.arange(count + 1)
    good = margin(times) >= 0.0
    change = np.flatnonzero(good[1:] != good[:-1])
    low, high, low_is_good = times[change], times[change + 1], good[change]
    while len(low) and (high - low).max() > 1e-5:
        middle = (low + high) / 2.0
        same = (margin(middle) >= 0.0) == low_is_good
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    edges = ((low + high) / 2.0).tolist()
    if good[0]:
        edges.insert(0, float(times[0]))
    if good[-1]:
        edges.append(float(times[-1]))
    return [edges[i : i + 2] for i in range(0, len(edges), 2)]
