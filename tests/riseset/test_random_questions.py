"""Random questions, poles and extremes included, against the sky computed anew at every instant by ERFA's own chain.

What is compared is not edges but margins: at every sampled instant the answer must be that of the reference, unless the
reference is within 40 mas of a limit, and at every edge the reference must stand at a limit within 40 mas. So nothing
that is lost, invented or displaced escapes, and a grazing event is no excuse.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from armillary.riseset import (
    TWILIGHT_ALTITUDE_DEG,
    Constraints,
    MinorPlanet,
    SiderealTarget,
    Site,
    SolarSystemBody,
    Target,
    observable_windows,
)

FloatArray = NDArray[np.float64]
TOLERANCE_RAD = 2e-7  # 40 mas
DAYS, STEP_S = 2, 240.0


class Dice:
    """Random sites, targets and constraints: the special values come up often."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def one_of(self, *values: Any) -> Any:
        return values[self.random.integers(len(values))]

    def between(self, low: float, high: float) -> float:
        return float(self.random.uniform(low, high))

    def site(self) -> Site:
        latitude = self.one_of(90.0, -90.0, 89.999, 0.0, 66.56, self.between(60, 90), *self.random.uniform(-90, 90, 4))
        return Site(
            float(latitude),
            self.one_of(0.0, 180.0, -180.0, self.between(-180, 180)),
            self.one_of(0.0, self.between(0, 5000)),
            horizon_deg=self.one_of(0.0, 15.0, -1.0, 30.0, -90.0, self.between(-5, 60)),
            ha_limit_neg_h=self.one_of(-12.0, -12.0, -4.6, 0.0, self.between(-12, 0)),
            ha_limit_pos_h=self.one_of(12.0, 12.0, 4.6, self.between(0, 12)),
            zenith_blind_spot_deg=self.one_of(0.0, 0.0, 0.05, 5.0, self.between(0, 20)),
        )

    def star(self, site: Site) -> SiderealTarget:
        at_blind_spot = site.latitude_deg + self.random.normal() * site.zenith_blind_spot_deg
        grazing = abs(site.latitude_deg) + site.horizon_deg - 90.0 + self.random.normal() * 0.1
        dec = self.one_of(self.between(-90, 90), site.latitude_deg, 90.0, -90.0, at_blind_spot, grazing)
        return SiderealTarget(self.one_of(0.0, 360.0, self.between(0, 360)), float(np.clip(dec, -90.0, 90.0)))

    def moving(self) -> SolarSystemBody | MinorPlanet:
        names = ("sun", "moon", "mercury", "venus", "mars", "jupiter", "saturn", "uranus", "neptune")
        orbit = MinorPlanet(
            61_000.0,
            self.between(0, 180),
            self.between(0, 360),
            self.between(0, 360),
            self.between(0.8, 3.5),
            self.between(0, 0.8),
            self.between(0, 360),
        )
        return orbit if self.random.random() < 0.5 else SolarSystemBody(self.one_of(*names))

    def constraints(self) -> Constraints:
        return Constraints(
            twilight=self.one_of(None, *TWILIGHT_ALTITUDE_DEG),
            max_airmass=self.one_of(None, None, 2.0, 1.0, 1.2, self.between(1, 5)),
            min_moon_distance_deg=self.one_of(0.0, 0.0, 30.0, 0.1, self.between(0, 180)),
            max_moon_illumination=self.one_of(1.0, 1.0, 0.5, 0.0, self.between(0, 1)),
        )


class Skies:
    """The reference at a site: what all targets share, and the margins of a question."""

    def __init__(self, reference: ModuleType, site: Site, unix_s: FloatArray) -> None:
        self.reference, self.site = reference, site
        self.epochs = reference.epochs_at(*site.location, unix_s)
        self.sun, self.moon = (reference.body(self.epochs, name) for name in ("sun", "moon"))

    def place(self, target: Target) -> Any:
        if isinstance(target, SiderealTarget):
            return self.reference.star(self.epochs, target.ra_deg, target.dec_deg)
        if isinstance(target, SolarSystemBody):
            return self.reference.body(self.epochs, target.name)
        assert isinstance(target, MinorPlanet)
        elements = [getattr(target, name) for name in MinorPlanet.__dataclass_fields__]
        return self.reference.near(self.epochs, self.reference.ellipse_km(*elements), bent_by_sun=True)

    def margin(self, target: Target, asked: Constraints) -> FloatArray:
        """The least of all margins, about radians: not negative where the target is observable."""
        site, place = self.site, self.place(target)
        sine = np.sin(place.altitude)
        lowest = max(site.horizon_deg, asked.min_altitude_deg)
        margins = [np.ones_like(sine)]
        if lowest > -90.0:
            margins.append(sine - np.sin(np.radians(lowest)))
        if site.zenith_blind_spot_deg > 0.0:
            margins.append(np.cos(np.radians(site.zenith_blind_spot_deg)) - sine)
        if site.limits_hour_angle:
            middle = np.radians(7.5 * (site.ha_limit_pos_h + site.ha_limit_neg_h))
            half = np.radians(7.5 * (site.ha_limit_pos_h - site.ha_limit_neg_h))
            north, _, up = place.vector.T
            phi = np.radians(site.latitude_deg)
            cos_dec = np.hypot(up * np.cos(phi) - north * np.sin(phi), place.vector[:, 1])
            margins.append((np.cos(place.hour_angle - middle) - np.cos(half)) * cos_dec)
        if asked.twilight is not None:
            margins.append(np.sin(np.radians(TWILIGHT_ALTITUDE_DEG[asked.twilight])) - np.sin(self.sun.altitude))
        if asked.min_moon_distance_deg > 0.0:
            cosine = np.sum(place.vector * self.moon.vector, axis=1)
            margins.append(np.cos(np.radians(asked.min_moon_distance_deg)) - cosine)
        if asked.max_moon_illumination < 1.0:
            margins.append(np.maximum(asked.max_moon_illumination - self.lit(), -self.moon_above_horizon()))
        return np.asarray(np.min(margins, axis=0))

    def lit(self) -> FloatArray:
        moon, sun = (body.vector * body.distance_km[:, None] for body in (self.moon, self.sun))
        to_sun = sun - moon
        cosine = -np.sum(moon * to_sun, axis=1) / np.linalg.norm(moon, axis=1) / np.linalg.norm(to_sun, axis=1)
        return np.asarray((1.0 + cosine) / 2.0)

    def moon_above_horizon(self) -> FloatArray:
        semidiameter = np.arcsin(self.reference.MOON_RADIUS_KM / self.moon.distance_km)
        return np.asarray(np.sin(self.moon.altitude) + np.sin(semidiameter + np.radians(34.0 / 60.0)))


def is_inside(windows: FloatArray, unix_s: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(((windows[None, :, 0] <= unix_s[:, None]) & (unix_s[:, None] < windows[None, :, 1])).any(axis=1))


@pytest.mark.parametrize("seed", range(12))
def test_every_instant_and_every_edge_is_as_the_reference_has_it(reference: ModuleType, seed: int) -> None:
    dice = Dice(seed)
    site = dice.site()
    start = datetime(1995, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.between(0, 31.5 * 365.25 * 86_400))
    end = start + timedelta(days=DAYS)
    times = np.arange(start.timestamp(), end.timestamp(), STEP_S)
    skies = Skies(reference, site, times)
    targets: list[Target] = [*(dice.star(site) for _ in range(5)), *(dice.moving() for _ in range(3))]
    for target in targets:
        asked = dice.constraints()
        margin = skies.margin(target, asked)
        for compiled in {True, False} if isinstance(target, SiderealTarget) else {False}:
            table = observable_windows([target], [site], start, end, asked, as_arrays=True, compiled=compiled)
            windows = np.stack(table.of(0, 0), axis=1)
            differs = (is_inside(windows, times) != (margin >= 0.0)) & (np.abs(margin) > TOLERANCE_RAD)
            assert not differs.any(), (site, target, asked, start, times[differs][:3], margin[differs][:3])
            edges = np.setdiff1d(windows.ravel(), [start.timestamp(), end.timestamp()])
            if len(edges):
                off = np.abs(Skies(reference, site, edges).margin(target, asked))
                assert off.max() < TOLERANCE_RAD, (site, target, asked, start, edges[off.argmax()], off.max())
