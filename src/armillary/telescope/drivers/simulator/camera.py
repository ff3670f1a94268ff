"""What a camera of an instrument records of a configuration's target."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from astropy.wcs import WCS

from armillary.core.observatory import Camera, Telescope
from armillary.core.requests.model import InstrumentConfig
from armillary.core.requests.visibility import riseset_target
from armillary.telescope.conditions import Conditions, conditions_at, observing_night
from armillary.telescope.drivers import Action, CameraImage, Card
from armillary.telescope.drivers.simulator import imaging, numbers, sky, spectrograph
from armillary.telescope.drivers.simulator.catalogue import stars_around
from armillary.telescope.drivers.simulator.scenery import appearance_of
from armillary.telescope.headers import frame_type, header_of, tangent_plane_cards

_CHANNEL: Final = re.compile(r"^narrowband_([griz])_positions$")
_SPECTRA: Final = "SPECTRA"
_DARK_FRAMES: Final = frozenset({"BIAS", "DARK"})


@dataclass(frozen=True, slots=True)
class Detector:
    """The part of a camera's detector that is read out: a centred, binned window."""

    rows: int
    columns: int
    binning: int
    pixel_scale_arcsec: float
    """Of a binned pixel."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def radius_deg(self) -> float:
        """From the centre to a corner."""
        return math.hypot(*self.shape) / 2 * self.pixel_scale_arcsec / 3600


def detector_of(camera: Camera, setting: InstrumentConfig, largest_side_pixels: int) -> Detector:
    """The window of a camera's detector that an exposure reads, never larger than a side length."""
    binning = max(1, int(setting.extra_params.get("bin_x", 1) or 1))
    kind = camera.camera_type
    return Detector(
        rows=min(kind.pixels_y // binning, largest_side_pixels),
        columns=min(kind.pixels_x // binning, largest_side_pixels),
        binning=binning,
        pixel_scale_arcsec=kind.pixel_scale_arcsec * binning,
    )


def exposure_time_of(camera: Camera, setting: InstrumentConfig, otherwise_s: float) -> float:
    """Exposure time of one camera: instruments with several may give each its own (``exposure_time_g``)."""
    channel = channel_of(camera)
    value = setting.extra_params.get(f"exposure_time_{channel}") if channel else None
    return float(value) if isinstance(value, int | float) and value > 0 else otherwise_s


def channel_of(camera: Camera) -> str:
    """The colour channel of a camera that shares its instrument with others; empty for a lone camera."""
    matches = (_CHANNEL.match(group.type) for group in camera.optical_element_groups)
    return next((match[1] for match in matches if match), "")


def record(
    action: Action, camera: Camera, telescope: Telescope, shutter_open: datetime, largest_side_pixels: int
) -> CameraImage:
    """The image and the cards of one exposure of one camera."""
    setting = action.instrument_config
    if setting is None:
        raise ValueError("an exposure needs its instrument config")
    exposure_time_s = exposure_time_of(camera, setting, action.exposure_time_s)
    scene = _Scene(action, camera, telescope, setting, shutter_open, exposure_time_s, largest_side_pixels)
    electrons, cards = scene.electrons()
    pixels = imaging.expose(electrons, exposure_time_s, scene.random())
    return CameraImage(camera, exposure_time_s, pixels, (*scene.detector_cards(), *cards))


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything that decides what one exposure shows."""

    action: Action
    camera: Camera
    telescope: Telescope
    setting: InstrumentConfig
    shutter_open: datetime
    exposure_time_s: float
    largest_side_pixels: int

    @property
    def detector(self) -> Detector:
        side = self.largest_side_pixels * (2 if self._is_spectrum else 1)
        whole = detector_of(self.camera, self.setting, side)
        if not self._is_spectrum:
            return whole
        rows = min(whole.rows, self.largest_side_pixels // 2)
        return Detector(rows, whole.columns, whole.binning, whole.pixel_scale_arcsec)

    @property
    def _is_spectrum(self) -> bool:
        return self.action.instrument.type.category == _SPECTRA

    def random(self) -> np.random.Generator:
        """Noise that belongs to this exposure and no other."""
        identity = f"{self.action.configuration.configuration_status}/{self.action.exposure_number}/{self.camera.code}"
        return np.random.default_rng([*hashlib.blake2b(identity.encode(), digest_size=16).digest()])

    def electrons(self) -> tuple[imaging.Pixels, list[Card]]:
        """Expected electrons per pixel, with world coordinates and weather as cards."""
        kind = frame_type(self.action.configuration.type)
        shape = self.detector.shape
        if kind in _DARK_FRAMES:
            return np.zeros(shape), []
        if self._is_spectrum and kind in {"ARC", "LAMPFLAT"}:
            dispersion = self._dispersion()
            lamp = spectrograph.arc_image if kind == "ARC" else spectrograph.lamp_image
            return lamp(shape, dispersion), _dispersion_cards(dispersion, self.detector)
        if kind == "SKYFLAT":
            level = numbers.FLAT_LEVEL_ADU * numbers.GAIN_E_PER_ADU
            return level * imaging.flat_field(shape), [("FILTER", self._band_name(), "primary optical element")]
        return self._of_the_sky()

    def _of_the_sky(self) -> tuple[imaging.Pixels, list[Card]]:
        target = self.action.configuration.target
        if target is None:
            raise ValueError("an exposure of the sky needs a target")
        middle = self.shutter_open + timedelta(seconds=self.exposure_time_s / 2)
        conditions = conditions_at(riseset_target(target), self.telescope, middle)
        optics = self._optics(conditions)
        background = sky.background_magnitude(optics.band, conditions)
        appearance = appearance_of(target.model_dump())
        weather: list[Card] = [
            ("L1FWHM", round(optics.seeing_arcsec, 2), "[arcsec] seeing"),
            ("SKYMAG", round(background, 2), "[mag/arcsec2] brightness of the sky"),
        ]
        if self._is_spectrum:
            dispersion = self._dispersion()
            image = spectrograph.spectrum_image(self.detector.shape, dispersion, appearance, optics, background)
            return image, [*_dispersion_cards(dispersion, self.detector), *weather, *self._slit_cards()]
        image, world = self._picture(conditions, optics)
        centre = (self.detector.columns - 1) / 2, (self.detector.rows - 1) / 2
        imaging.add_target(image, *centre, appearance, optics)
        image = (image + optics.sky_electrons(background)) * imaging.flat_field(self.detector.shape)
        return image, [*world, *weather, ("FILTER", self._band_name(), "primary optical element")]

    def _picture(self, conditions: Conditions, optics: imaging.Optics) -> tuple[imaging.Pixels, list[Card]]:
        """The field's stars, placed with the very coordinates that the header will give."""
        world = tangent_plane_cards(
            ra_deg=conditions.ra_deg,
            dec_deg=conditions.dec_deg,
            pixel_scale_arcsec=self.detector.pixel_scale_arcsec,
            orientation_deg=self._orientation_deg(),
            shape=self.detector.shape,
        )
        image = np.zeros(self.detector.shape)
        stars = stars_around(conditions.ra_deg, conditions.dec_deg, self.detector.radius_deg)
        x, y = WCS(header_of(world)).all_world2pix(stars.ra_deg, stars.dec_deg, 0)
        imaging.add_stars(image, x, y, stars, optics)
        return image, world

    def _orientation_deg(self) -> float:
        return self.camera.orientation_deg + _number(self.setting.extra_params.get("rotator_angle"))

    def _optics(self, conditions: Conditions) -> imaging.Optics:
        _, band = self._band()
        night = observing_night(self.shutter_open, self.telescope.longitude_deg)
        return imaging.Optics(
            band=band,
            aperture_m=self.telescope.aperture_m,
            pixel_scale_arcsec=self.detector.pixel_scale_arcsec,
            seeing_arcsec=sky.seeing_arcsec(conditions, site=self.telescope.site, night=night),
            transmission=sky.transmission(band, conditions.airmass),
            exposure_time_s=self.exposure_time_s,
        )

    def _band(self) -> tuple[str, numbers.Band]:
        channel = channel_of(self.camera)
        if channel:
            return f"{channel}p" if channel != "z" else "zs", numbers.BANDS[channel]
        if self._is_spectrum:
            return "V", numbers.BANDS["V"]
        return sky.band_of({kind: str(code) for kind, code in self.setting.optical_elements.items()})

    def _band_name(self) -> str:
        return self._band()[0]

    def _dispersion(self) -> spectrograph.Dispersion:
        return spectrograph.Dispersion(numbers.SPECTRUM_BLUE_NM, numbers.SPECTRUM_RED_NM, self.detector.columns)

    def _slit_cards(self) -> list[Card]:
        """The area of sky a spectrum comes from, for whoever searches the archive by position."""
        return [
            ("RADIUS", round(self.detector.rows / 2 * self.detector.pixel_scale_arcsec, 2), "[arcsec] of the field")
        ]

    def detector_cards(self) -> list[Card]:
        """What the detector is."""
        binning = self.detector.binning
        return [
            ("GAIN", numbers.GAIN_E_PER_ADU, "[electron/ADU]"),
            ("RDNOISE", numbers.READ_NOISE_E, "[electron] read noise"),
            ("BIASLVL", numbers.BIAS_ADU, "[ADU] bias level"),
            ("SATURATE", numbers.FULL_WELL_ADU, "[ADU] saturation"),
            ("CCDSUM", f"{binning} {binning}", "binning"),
            ("CCDATEMP", numbers.DETECTOR_TEMPERATURE_C, "[C] temperature of the detector"),
            ("PIXSCALE", self.detector.pixel_scale_arcsec, "[arcsec/pixel] binned"),
            ("SIMULATE", True, "made by the simulator"),
        ]


def _dispersion_cards(dispersion: spectrograph.Dispersion, detector: Detector) -> list[Card]:
    """World coordinates of a long-slit spectrum: air wavelength along x, angle along the slit along y."""
    return [
        ("WCSAXES", 2, "axes of the world coordinates"),
        ("CTYPE1", "AWAV", "air wavelength"),
        ("CUNIT1", "nm", "unit of CRVAL1, CDELT1"),
        ("CRVAL1", dispersion.blue_nm, "[nm] at the reference pixel"),
        ("CRPIX1", 1.0, "reference pixel, first pixel is 1"),
        ("CDELT1", dispersion.per_pixel_nm, "[nm/pixel]"),
        ("CTYPE2", "ANGLE", "angle along the slit"),
        ("CUNIT2", "arcsec", "unit of CRVAL2, CDELT2"),
        ("CRVAL2", 0.0, "[arcsec] at the reference pixel"),
        ("CRPIX2", (detector.rows + 1) / 2, "reference pixel, first pixel is 1"),
        ("CDELT2", detector.pixel_scale_arcsec, "[arcsec/pixel]"),
    ]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
