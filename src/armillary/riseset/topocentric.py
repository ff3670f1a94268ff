"""From the centre of the Earth to an observer on its turning surface.

The frame of work is the *local hour-angle frame*: x towards the point where the observer's meridian meets the equator,
y towards the east point, z towards the north pole. There an observer stands still. Polar motion is applied to the sky,
not to the observer, in first order (0.3", whose square is nothing). Diurnal aberration adds the observer's speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import erfa
import numpy as np

from armillary.riseset.quantities import AU_KM, EARTH_ROTATION_RAD_S, SPEED_OF_LIGHT_KM_S
from armillary.riseset.sites import Site
from armillary.riseset.sky import Sky
from armillary.riseset.timescales import FloatArray
from armillary.riseset.tracks import AnyTracks, IntArray

_WGS84: Final = 1


@dataclass(frozen=True, eq=False)
class Observers:
    """Sites as arrays (n,).

    Longitude (rad), sine and cosine of geodetic latitude, distances from the axis and from the equator's plane (au),
    and the eastward velocity over that of light.
    """

    longitude: FloatArray
    sin_latitude: FloatArray
    cos_latitude: FloatArray
    from_axis: FloatArray
    from_equator: FloatArray
    velocity: FloatArray


def observers_at(sites: Sequence[Site]) -> Observers:
    """Observers at sites, on the WGS 84 ellipsoid."""
    table = np.array([site.location for site in sites], dtype=float).reshape(-1, 3)
    latitude, longitude = np.radians(table[:, 0]), np.radians(table[:, 1])
    place = erfa.gd2gc(_WGS84, longitude, latitude, table[:, 2]) / 1000.0
    axis = np.hypot(place[:, 0], place[:, 1])
    return Observers(
        longitude,
        np.sin(latitude),
        np.cos(latitude),
        axis / AU_KM,
        place[:, 2] / AU_KM,
        axis * EARTH_ROTATION_RAD_S / SPEED_OF_LIGHT_KM_S,
    )


@dataclass(frozen=True, eq=False)
class Directions:
    """Unit vectors in the local hour-angle frame and distances (au; 1 for stars), each (times,).

    The distances are those of the tracks, up to 1e-4 too long or short: see :meth:`View.true_distance_au`.
    """

    x: FloatArray
    y: FloatArray
    z: FloatArray
    distance_au: FloatArray

    @property
    def vector(self) -> FloatArray:
        """The unit vectors, (times, 3)."""
        return np.stack([self.x, self.y, self.z], axis=1)


@dataclass(frozen=True, eq=False)
class View:
    """What observers see of tracks: the one place where a direction at a time is computed."""

    sky: Sky
    observers: Observers

    def directions(
        self, tracks: AnyTracks, track: IntArray, site: IntArray, tai_s: FloatArray, *, polar_motion: bool = True
    ) -> Directions:
        """Apparent topocentric directions of ``track[i]`` from ``site[i]`` at ``tai_s[i]``.

        Without ``polar_motion`` the frame's pole is the celestial intermediate pole, as right ascension and declination
        of date want it; with it, that of the Earth's crust, as the mount wants it.
        """
        theta, pole_x, pole_y = self.sky.earth_rotation(tai_s)
        longitude = self.observers.longitude[site]
        x, y, z = tracks.terrestrial(track, tai_s, theta + longitude)
        c, s = np.cos(longitude), np.sin(longitude)
        a, b = pole_x * c - pole_y * s, pole_x * s + pole_y * c
        x, y, z = x + a * z, y - b * z, z - a * x + b * y
        distance = np.ones_like(x)
        if not tracks.at_infinity:
            x, z = x - self.observers.from_axis[site], z - self.observers.from_equator[site]
            distance = np.sqrt(x * x + y * y + z * z)
        y = y + distance * self.observers.velocity[site]
        length = np.sqrt(x * x + y * y + z * z)
        x, y, z = x / length, y / length, z / length
        if not polar_motion:
            x, y, z = x - a * z, y + b * z, z + a * x - b * y
        return Directions(x, y, z, distance)

    def true_distance_au(self, directions: Directions, site: IntArray, tai_s: FloatArray) -> FloatArray:
        """Distances from the observers, for bodies: without what aberration has added to the vectors of the tracks."""
        theta, _, _ = self.sky.earth_rotation(tai_s)
        turn = theta + self.observers.longitude[site]
        c, s = np.cos(turn), np.sin(turn)
        x, y = directions.x, directions.y
        stretch = self.sky.aberration_stretch(np.stack([c * x - s * y, s * x + c * y, directions.z], axis=1), tai_s)
        distance: FloatArray = directions.distance_au / stretch
        return distance

    def sin_altitude(self, directions: Directions, site: IntArray) -> FloatArray:
        """Sine of the airless altitude."""
        return self.observers.sin_latitude[site] * directions.z + self.observers.cos_latitude[site] * directions.x
