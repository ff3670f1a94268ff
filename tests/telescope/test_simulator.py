from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from observation_documents import EVENING, NGC7662, STAR, configuration, observation

from armillary.core.observations.model import ScheduledObservation
from armillary.core.observatory import Instrument, Observatory
from armillary.riseset import icrs_separation_deg
from armillary.telescope.conditions import icrs_of_apparent, observing_night, sidereal_time_h
from armillary.telescope.drivers import Action, ActionKind, CameraImage
from armillary.telescope.drivers.simulator import Faults, Simulator, numbers
from armillary.telescope.drivers.simulator.catalogue import galactic_latitude_deg, separation_deg, stars_around
from armillary.telescope.frames import write_frame
from armillary.telescope.headers import Shot, header_of, sexagesimal, tangent_plane_cards


def shoot(observatory: Observatory, at: datetime = EVENING, **changes: Any) -> tuple[ScheduledObservation, Action, Any]:
    """One exposure of a configuration: (observation, action, outcome)."""
    scheduled = ScheduledObservation.model_validate(observation(1, configuration(10, **changes)))
    asked = scheduled.request.configurations[0]
    telescope = observatory.telescope(scheduled.telescope_key)
    assert telescope is not None
    instrument = next(each for each in telescope.instruments if each.code == asked.instrument_name)
    setting = asked.instrument_configs[0]
    action = Action(ActionKind.EXPOSE, 1, asked, instrument, setting, exposure_time_s=setting.exposure_time)
    simulator = Simulator(observatory, scheduled.telescope_key)
    end = simulator.begin(action, at)
    assert simulator.outcome(end - timedelta(milliseconds=1)) is None
    return scheduled, action, simulator.outcome(end)


def picture(observatory: Observatory, **changes: Any) -> CameraImage:
    return shoot(observatory, **changes)[2].images[0]


def setting(**changes: Any) -> list[dict[str, Any]]:
    return [configuration(10)["instrument_configs"][0] | changes]


def frame(observatory: Observatory, path: Path, at: datetime = EVENING, **changes: Any) -> tuple[Any, Any]:
    """A frame as a reader finds it: (header, pixels)."""
    scheduled, action, outcome = shoot(observatory, at, **changes)
    image = outcome.images[0]
    telescope = observatory.telescope(scheduled.telescope_key)
    assert telescope is not None
    shot = Shot(scheduled, action, telescope, image.camera, outcome.exposure_start, image.exposure_time_s, 1)
    write_frame(path, shot, image)
    with fits.open(path) as file:
        file.verify("exception")
        return file["SCI"].header.copy(), file["SCI"].data.copy()


def peak_near(pixels: Any, x: float, y: float, reach: int = 6) -> tuple[float, float]:
    """Centre of light around a 0-based position, above the background."""
    left, low = round(x) - reach, round(y) - reach
    cut = pixels[low : low + 2 * reach + 1, left : left + 2 * reach + 1].astype(float)
    cut = np.clip(cut - np.median(pixels), 0, None)
    cut[cut < 0.1 * cut.max()] = 0
    rows, columns = np.indices(cut.shape)
    return left + float((columns * cut).sum() / cut.sum()), low + float((rows * cut).sum() / cut.sum())


def test_the_named_target_is_where_the_coordinates_say(observatory: Observatory, tmp_path: Path) -> None:
    target = STAR | {"extra_params": {"v_magnitude": 10.0}}
    header, pixels = frame(observatory, tmp_path / "a.fits.fz", target=target)
    x, y = WCS(header).all_world2pix(STAR["ra"], STAR["dec"], 0)

    assert peak_near(pixels, float(x), float(y)) == pytest.approx((float(x), float(y)), abs=0.5)


def test_every_bright_star_of_the_catalogue_is_where_the_coordinates_say(
    observatory: Observatory, tmp_path: Path
) -> None:
    header, pixels = frame(observatory, tmp_path / "a.fits.fz", target=NGC7662)
    stars = stars_around(NGC7662["ra"], NGC7662["dec"], 0.05).brighter_than(17.5)
    positions = np.column_stack(WCS(header).all_world2pix(stars.ra_deg, stars.dec_deg, 0))
    alone = [
        (x, y)
        for index, (x, y) in enumerate(positions)
        if np.hypot(*(np.delete(positions, index, axis=0) - (x, y)).T).min() > 15 and np.hypot(x - 256, y - 256) > 60
    ]

    assert len(alone) >= 5
    offsets = [np.hypot(*(np.array(peak_near(pixels, x, y)) - (x, y))) for x, y in alone]
    assert np.median(offsets) < 0.5


def test_the_camera_angle_turns_the_sky() -> None:
    """As astropy reads it (Calabretta & Greisen 2002, FITS paper II): +y lies at the position angle given."""
    cards = tangent_plane_cards(
        ra_deg=10.0, dec_deg=20.0, pixel_scale_arcsec=1.0, orientation_deg=30.0, shape=(101, 101)
    )
    world = WCS(header_of(cards))
    centre, up = world.pixel_to_world(50, 50), world.pixel_to_world(50, 60)

    assert centre.separation(SkyCoord(10.0, 20.0, unit="deg")).arcsec < 1e-6
    assert centre.position_angle(up).deg == pytest.approx(30.0, abs=0.01)
    assert centre.separation(up).arcsec == pytest.approx(10.0, rel=1e-6)


def test_the_same_field_shows_the_same_stars_and_another_field_others(observatory: Observatory) -> None:
    first = picture(observatory, target=NGC7662).pixels
    again = picture(observatory, target=NGC7662, configuration_status=77).pixels
    other = picture(observatory, target=STAR).pixels

    assert not np.array_equal(first, again), "the noise is new"
    assert np.corrcoef(first.ravel(), again.ravel())[0, 1] > 0.9
    assert np.corrcoef(first.ravel(), other.ravel())[0, 1] < 0.2


@settings(max_examples=30, deadline=None)
@given(
    ra=st.floats(0, 360, exclude_max=True),
    dec=st.floats(-89.9, 89.9),
    bearing=st.floats(0, 360),
    radius=st.floats(0.05, 0.4),
)
def test_overlapping_fields_agree_on_their_stars(ra: float, dec: float, bearing: float, radius: float) -> None:
    near = SkyCoord(ra, dec, unit="deg").directional_offset_by(
        bearing * SkyCoord(ra, dec, unit="deg").ra.unit, radius * SkyCoord(ra, dec, unit="deg").ra.unit
    )
    here, there = stars_around(ra, dec, 2 * radius), stars_around(float(near.ra.deg), float(near.dec.deg), radius)
    inside = separation_deg(float(near.ra.deg), float(near.dec.deg), here.ra_deg, here.dec_deg) < radius - 1e-9

    assert set(here.v_magnitude[inside]) <= set(there.v_magnitude)


def test_there_are_more_stars_in_the_milky_way() -> None:
    pole, plane = stars_around(192.86, 27.13, 0.3), stars_around(290.0, 15.0, 0.3)
    assert len(plane) > 5 * len(pole)
    assert 0.5 < len(pole) / (numbers.STARS_PER_SQUARE_DEGREE_POLE * np.pi * 0.3**2) < 1.5


def test_galactic_latitude_agrees_with_astropy() -> None:
    for ra, dec in ((0.0, 0.0), (83.8, -5.4), (266.4, -29.0), (192.9, 27.1), (10.0, -80.0)):
        assert galactic_latitude_deg(ra, dec) == pytest.approx(SkyCoord(ra, dec, unit="deg").galactic.b.deg, abs=0.001)


def test_a_narrow_filter_shows_fewer_stars_and_a_darker_sky(observatory: Observatory) -> None:
    broad = picture(observatory, instrument_configs=setting()).pixels
    narrow = picture(observatory, instrument_configs=setting(optical_elements={"filter": "ha"})).pixels
    assert np.median(broad) > np.median(narrow)
    assert (broad > np.median(broad) + 200).sum() > 2 * (narrow > np.median(narrow) + 200).sum()


def test_twilight_brightens_the_sky(observatory: Observatory) -> None:
    dusk = shoot(observatory, EVENING - timedelta(hours=2, minutes=35))[2].images[0].pixels
    night = picture(observatory).pixels
    assert np.median(dusk) > 1.5 * np.median(night)


def test_a_longer_exposure_collects_more_light(observatory: Observatory) -> None:
    short = picture(observatory, instrument_configs=setting(exposure_time=10.0)).pixels - numbers.BIAS_ADU
    long = picture(observatory, instrument_configs=setting(exposure_time=100.0)).pixels - numbers.BIAS_ADU
    assert np.median(long) == pytest.approx(10 * np.median(short), rel=0.25)


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("BIAS", 395, 405), ("DARK", 395, 405), ("SKY_FLAT", 27_000, 29_000)]
)
def test_calibrations_show_no_stars(observatory: Observatory, kind: str, low: float, high: float) -> None:
    image = picture(observatory, type=kind).pixels
    assert low < np.median(image) < high
    assert image.max() < np.median(image) * 1.2


SPECTRUM: dict[str, Any] = {
    "instrument_type": "0M6-SPECTRO-LOWRES",
    "type": "SPECTRUM",
    "instrument_name": "sp01",
    "instrument_configs": [
        {
            "optical_elements": {"slit": "slit_15", "grating": "g300"},
            "mode": "spec_1x1",
            "exposure_time": 300.0,
            "exposure_count": 1,
            "extra_params": {},
        }
    ],
}


def test_the_lines_of_a_nebula_lie_at_their_wavelengths(observatory: Observatory, tmp_path: Path) -> None:
    """[O III] at 500.68 nm and H-alpha at 656.28 nm in air (NIST Atomic Spectra Database)."""
    header, pixels = frame(observatory, tmp_path / "s.fits.fz", **SPECTRUM)
    rows = pixels.shape[0] // 2
    trace = pixels[rows - 5 : rows + 5].sum(axis=0).astype(float)
    wavelengths = header["CRVAL1"] + header["CDELT1"] * (np.arange(pixels.shape[1]) + 1 - header["CRPIX1"])

    assert header["CUNIT1"] == "nm"
    for line, reach in ((500.68, 3.0), (656.28, 1.2)):
        near = np.abs(wavelengths - line) < reach
        assert wavelengths[near][np.argmax(trace[near])] == pytest.approx(line, abs=2 * header["CDELT1"])


def test_an_arc_lamp_lights_the_whole_slit(observatory: Observatory) -> None:
    pixels = picture(observatory, **(SPECTRUM | {"type": "ARC"})).pixels.astype(float)
    profile = pixels.max(axis=1)
    assert profile.min() > 0.8 * profile.max()


def test_an_instrument_with_four_cameras_makes_four_images(network: Observatory) -> None:
    instrument = next(
        each
        for telescope in network.telescopes()
        for each in telescope.instruments
        if each.type.code == "2M0-SCICAM-MUSCAT" and each.is_enabled
    )
    images = _muscat(network, instrument)

    filters = [next(value for keyword, value, _ in image.cards if keyword == "FILTER") for image in images]
    assert filters == ["gp", "rp", "ip", "zs"]
    assert [image.exposure_time_s for image in images] == [10.0, 20.0, 30.0, 60.0]


def _muscat(network: Observatory, instrument: Instrument) -> tuple[CameraImage, ...]:
    times = {"exposure_time_g": 10.0, "exposure_time_r": 20.0, "exposure_time_i": 30.0, "exposure_time_z": 60.0}
    asked = {
        "optical_elements": {f"narrowband_{channel}_position": "out" for channel in "griz"},
        "mode": "MUSCAT_FAST",
        "exposure_time": 60.0,
        "exposure_count": 1,
        "extra_params": times,
    }
    document = observation(1, configuration(10, instrument_configs=[asked]), telescope=instrument.telescope_key)
    scheduled = ScheduledObservation.model_validate(document)
    simulator = Simulator(network, instrument.telescope_key, largest_side_pixels=64)
    wanted = scheduled.request.configurations[0]
    action = Action(ActionKind.EXPOSE, 1, wanted, instrument, wanted.instrument_configs[0], exposure_time_s=60.0)
    outcome = simulator.outcome(simulator.begin(action, EVENING))
    assert outcome is not None
    return outcome.images


def test_a_moving_target_is_where_its_orbit_says(observatory: Observatory, tmp_path: Path) -> None:
    """(4) Vesta; elements of JPL's small-body database, epoch 2461000.5; its field moves through the night."""
    vesta = {
        "type": "ORBITAL_ELEMENTS", "scheme": "MPC_MINOR_PLANET", "name": "Vesta", "epochofel": 61000.0,
        "orbinc": 7.1439, "longascnode": 103.7022, "argofperih": 151.5371, "eccentricity": 0.0902, "meandist": 2.3616,
        "meananom": 26.8097,
    }  # fmt: skip
    first, _ = frame(observatory, tmp_path / "a.fits.fz", target=vesta)
    later, _ = frame(observatory, tmp_path / "b.fits.fz", at=EVENING + timedelta(hours=6), target=vesta)
    moved = SkyCoord(first["CRVAL1"], first["CRVAL2"], unit="deg").separation(
        SkyCoord(later["CRVAL1"], later["CRVAL2"], unit="deg")
    )
    assert 0.5 < moved.arcmin < 15


def test_faults_are_the_same_for_the_same_seed_and_as_frequent_as_asked() -> None:
    draws = [Faults(seed=3, exposure_fault_probability=0.2).exposure(1, 1, number) for number in range(500)]
    again = [Faults(seed=3, exposure_fault_probability=0.2).exposure(1, 1, number) for number in range(500)]
    assert draws == again
    assert 0.13 < sum(fault is not None for fault in draws) / 500 < 0.27
    with pytest.raises(ValueError, match="between 0 and 1"):
        Faults(weather_probability=1.5)


def test_an_unknown_telescope_is_refused_with_those_that_there_are(observatory: Observatory) -> None:
    with pytest.raises(ValueError, match=r"this observatory has: exh\.doma\.0m6a"):
        Simulator(observatory, "exh.doma.9m9z")


@given(st.floats(-89.9999, 89.9999))
def test_sexagesimal_texts_mean_the_same_angle(degrees: float) -> None:
    text = sexagesimal(degrees, decimals=2, signed=True)
    assert SkyCoord(0.0, 0.0, unit="deg").dec.__class__(text, unit="deg").deg == pytest.approx(
        degrees, abs=0.003 / 3600 * 2
    )
    assert not text.endswith("60.00")


def test_sidereal_time_agrees_with_the_almanac() -> None:
    """Meeus, Astronomical Algorithms (2nd edition), example 12.b: Greenwich, 8h34m57.0896s."""
    expected = 8 + 34 / 60 + 57.0896 / 3600
    assert sidereal_time_h(0.0, datetime(1987, 4, 10, 19, 21, tzinfo=UTC)) == pytest.approx(expected, abs=1 / 3600)


def test_where_a_moving_body_is_seen_is_told_in_the_frame_of_the_catalogues() -> None:
    """Meeus, Astronomical Algorithms (2nd edition), example 23.a backwards: theta Persei on 2028 November 13.19."""
    at = datetime(2028, 11, 13, 4, 32, 25, tzinfo=UTC)  # 4:33:36 Dynamical Time
    apparent = (15 * (2 + 46 / 60 + 14.390 / 3600), 49 + 21 / 60 + 7.45 / 3600)
    assert icrs_separation_deg(*icrs_of_apparent(*apparent, at), 41.054063, 49.227750) < 0.5 / 3600


def test_a_night_keeps_its_date_past_midnight_everywhere() -> None:
    """An evening and the next morning are one night, in Australia (UTC+10) as in Hawaii (UTC-10)."""
    for longitude, dusk in (
        (149.0, datetime(2026, 11, 23, 9, tzinfo=UTC)),
        (-156.0, datetime(2026, 11, 24, 5, tzinfo=UTC)),
    ):
        assert observing_night(dusk, longitude) == observing_night(dusk + timedelta(hours=9), longitude) == "20261123"
