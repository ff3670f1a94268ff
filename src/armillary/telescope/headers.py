"""The header of a frame: who asked for it, where the telescope looked, when."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from astropy.io import fits

from armillary.core.observations.model import ScheduledObservation
from armillary.core.observatory import Camera, Telescope
from armillary.telescope.conditions import Conditions, modified_julian_date, observing_night
from armillary.telescope.drivers import Action, Card

_CARD_WIDTH: Final = 80
_CALIBRATIONS: Final = frozenset({"BIAS", "DARK", "SKY_FLAT", "SKYFLAT"})
_OBSTYPES: Final = {
    "REPEAT_EXPOSE": "EXPOSE",
    "REPEAT_SPECTRUM": "SPECTRUM",
    "SKY_FLAT": "SKYFLAT",
    "LAMP_FLAT": "LAMPFLAT",
}
_NAME_LETTERS: Final = {
    "BIAS": "b", "DARK": "d", "SKYFLAT": "f", "LAMPFLAT": "w", "ARC": "a", "STANDARD": "s", "EXPERIMENTAL": "x",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shot:
    """One exposure of one camera, as far as the agent knows it."""

    observation: ScheduledObservation
    action: Action
    telescope: Telescope
    camera: Camera
    start: datetime
    """When the shutter opened."""
    exposure_time_s: float
    file_number: int

    @property
    def end(self) -> datetime:
        """When the shutter closed."""
        return self.start + timedelta(seconds=self.exposure_time_s)

    @property
    def middle(self) -> datetime:
        """Half-way through the exposure."""
        return self.start + timedelta(seconds=self.exposure_time_s / 2)

    @property
    def night(self) -> str:
        """The observing night, YYYYMMDD."""
        return observing_night(self.start, self.telescope.longitude_deg)

    @property
    def frame_type(self) -> str:
        """The value of OBSTYPE."""
        return frame_type(self.action.configuration.type)

    @property
    def is_calibration(self) -> bool:
        """Whether the sky does not matter."""
        return self.frame_type in _CALIBRATIONS


def frame_type(configuration_type: str) -> str:
    """OBSTYPE of the frames of a configuration type: a repeated exposure makes the same frames as a single one."""
    return _OBSTYPES.get(configuration_type, configuration_type)


def file_name(telescope: Telescope, camera: Camera, night: str, file_number: int, configuration_type: str) -> str:
    """Name of a raw frame: site and telescope, camera, night, number, kind and reduction level 00."""
    letter = _NAME_LETTERS.get(frame_type(configuration_type), "e")
    return f"{telescope.site}{telescope.code}-{camera.code}-{night}-{file_number:04d}-{letter}00.fits.fz"


def identity_cards(shot: Shot) -> list[Card]:
    """Who asked for the frame, and what made it."""
    observation, configuration, telescope = shot.observation, shot.action.configuration, shot.telescope
    return [
        ("ORIGIN", "Armillary", "system that made the file"),
        ("PROPID", observation.proposal, "proposal"),
        ("USERID", observation.submitter, "who submitted the request"),
        ("TRACKNUM", str(observation.request_group_id), "request group"),
        ("REQNUM", str(observation.request.id), "request"),
        ("BLKUID", str(observation.id), "observation"),
        ("MOLUID", str(configuration.id), "configuration"),
        ("CONFSTAT", configuration.configuration_status, "configuration status"),
        ("GROUPID", observation.name, "name of the request group"),
        ("SITEID", telescope.site, "site"),
        ("ENCID", telescope.enclosure, "enclosure"),
        ("TELID", telescope.code, "telescope"),
        ("INSTRUME", shot.camera.code, "camera"),
        ("INSTCODE", shot.action.instrument.code, "instrument"),
        ("INSTTYPE", shot.action.instrument.type.code, "instrument type"),
        ("OBSTYPE", shot.frame_type, "kind of frame"),
        ("CONFTYPE", configuration.type, "type of the configuration"),
        ("FRAMENUM", shot.file_number, "number of the file in its night"),
        ("EXPNUM", shot.action.exposure_number + 1, "number of the exposure in its configuration"),
        ("RLEVEL", 0, "reduction level: raw"),
        ("REQTIME", shot.action.exposure_time_s, "[s] exposure time asked for"),
    ]


def time_cards(shot: Shot) -> list[Card]:
    """When the frame was taken; UTC throughout."""
    return [
        ("TIMESYS", "UTC", "time scale"),
        ("DATE-OBS", _timestamp(shot.start), "[UTC] start of the exposure"),
        ("UTSTART", shot.start.strftime("%H:%M:%S.%f")[:-3], "[UTC] start of the exposure"),
        ("UTSTOP", shot.end.strftime("%H:%M:%S.%f")[:-3], "[UTC] end of the exposure"),
        ("DAY-OBS", shot.night, "observing night, local date at its noon"),
        ("MJD-OBS", round(modified_julian_date(shot.start), 8), "[d] start of the exposure, UTC"),
        ("EXPTIME", shot.exposure_time_s, "[s] exposure time"),
        ("FRMTOTAL", 1, "frames of this exposure"),
    ]


def site_cards(telescope: Telescope) -> list[Card]:
    """Where the telescope stands."""
    return [
        ("LATITUDE", telescope.latitude_deg, "[deg] geodetic, north positive"),
        ("LONGITUD", telescope.longitude_deg, "[deg] east positive"),
        ("HEIGHT", telescope.elevation_m, "[m] above sea level"),
        ("TELESCOP", telescope.key, "telescope"),
        ("APERTURE", telescope.aperture_m, "[m] diameter of the aperture"),
    ]


def target_cards(shot: Shot, conditions: Conditions | None) -> list[Card]:
    """What the telescope looked at; a calibration frame says only its name."""
    target = shot.action.configuration.target
    name = "" if target is None else target.name
    cards: list[Card] = [("OBJECT", name or shot.frame_type, "name of the target")]
    if conditions is None:
        return cards
    return [
        *cards,
        ("SRCTYPE", str(target.type) if target is not None else "", "kind of target"),
        ("RA", sexagesimal(conditions.ra_deg / 15.0, decimals=3), "[HH:MM:SS.sss] field centre, ICRS"),
        ("DEC", sexagesimal(conditions.dec_deg, decimals=2, signed=True), "[sDD:MM:SS.ss] field centre, ICRS"),
        ("CAT-RA", sexagesimal(conditions.ra_deg / 15.0, decimals=3), "[HH:MM:SS.sss] asked for"),
        ("CAT-DEC", sexagesimal(conditions.dec_deg, decimals=2, signed=True), "[sDD:MM:SS.ss] asked for"),
        ("LST", sexagesimal(conditions.sidereal_time_h, decimals=2), "[HH:MM:SS.ss] local mean sidereal time"),
        ("HA", sexagesimal(conditions.hour_angle_h, decimals=2, signed=True), "[sHH:MM:SS.ss] hour angle"),
        ("ALTITUDE", round(conditions.altitude_deg, 5), "[deg] mid-exposure"),
        ("AZIMUTH", round(conditions.azimuth_deg, 5), "[deg] north through east, mid-exposure"),
        ("AIRMASS", round(conditions.airmass, 4), "mid-exposure"),
        ("SUNALT", round(conditions.sun_altitude_deg, 3), "[deg] altitude of the Sun"),
        ("MOONALT", round(conditions.moon_altitude_deg, 3), "[deg] altitude of the Moon"),
        ("MOONDIST", round(conditions.moon_separation_deg, 3), "[deg] from the Moon to the target"),
        ("MOONFRAC", round(conditions.moon_illumination, 4), "illuminated fraction of the Moon"),
        ("MOONSTAT", "UP" if conditions.moon_altitude_deg > 0 else "DOWN", "Moon above the horizon?"),
    ]


def instrument_cards(shot: Shot) -> list[Card]:
    """How the instrument was set."""
    setting = shot.action.instrument_config
    if setting is None:
        return []
    elements = dict(setting.optical_elements)
    cards: list[Card] = [("CONFMODE", setting.mode, "readout mode")]
    filters = [code for kind, code in elements.items() if kind == "filter"] or list(elements.values())
    cards.append(("FILTER", filters[0] if filters else "", "primary optical element"))
    cards += [
        (f"OPTELEM{number}", f"{kind}={code}", "optical element")
        for number, (kind, code) in enumerate(sorted(elements.items()), start=1)
    ]
    guides = shot.action.configuration.guiding_config.mode.upper() not in {"", "OFF"}
    cards.append(("AGSTATE", "GUIDING" if guides else "IDLE", "autoguider"))
    cards.append(("AGCAM", shot.action.configuration.guide_camera_name, "guide camera"))
    return cards


def tangent_plane_cards(
    *, ra_deg: float, dec_deg: float, pixel_scale_arcsec: float, orientation_deg: float, shape: tuple[int, int]
) -> list[Card]:
    """World coordinates of a picture centred on a position.

    The projection is gnomonic (TAN). ``orientation_deg`` is the position angle of the detector's +y axis, from north
    through east; east is to the left when it is 0.

    Args:
        ra_deg: ICRS right ascension of the centre.
        dec_deg: ICRS declination of the centre.
        pixel_scale_arcsec: Of one pixel of the image, binning included.
        orientation_deg: As above.
        shape: Rows and columns of the image.
    """
    scale = pixel_scale_arcsec / 3600.0
    angle = math.radians(orientation_deg)
    return [
        ("WCSAXES", 2, "axes of the world coordinates"),
        ("CTYPE1", "RA---TAN", "gnomonic projection"),
        ("CTYPE2", "DEC--TAN", "gnomonic projection"),
        ("CUNIT1", "deg", "unit of CRVAL1, CD1_x"),
        ("CUNIT2", "deg", "unit of CRVAL2, CD2_x"),
        ("CRVAL1", ra_deg, "[deg] RA at the reference pixel"),
        ("CRVAL2", dec_deg, "[deg] Dec at the reference pixel"),
        ("CRPIX1", (shape[1] + 1) / 2, "reference pixel, first pixel is 1"),
        ("CRPIX2", (shape[0] + 1) / 2, "reference pixel, first pixel is 1"),
        ("CD1_1", -scale * math.cos(angle), "[deg/pixel]"),
        ("CD1_2", scale * math.sin(angle), "[deg/pixel]"),
        ("CD2_1", scale * math.sin(angle), "[deg/pixel]"),
        ("CD2_2", scale * math.cos(angle), "[deg/pixel]"),
        ("RADESYS", "ICRS", "reference system"),
        ("EQUINOX", 2000.0, "[yr] equinox"),
        ("SECPIX", pixel_scale_arcsec, "[arcsec/pixel]"),
        ("ROTANGLE", orientation_deg, "[deg] position angle of the y axis, east of north"),
    ]


def header_of(cards: Iterable[Card]) -> fits.Header:
    """A FITS header of the cards; a comment that does not fit beside a long value is cut short."""
    header = fits.Header()
    for keyword, value, comment in cards:
        value_width = max(20, len(value.replace("'", "''")) + 2) if isinstance(value, str) else 20
        header[keyword] = (value, comment[: max(0, _CARD_WIDTH - 10 - value_width - 3)])
    return header


def sexagesimal(value: float, *, decimals: int, signed: bool = False) -> str:
    """``HH:MM:SS.sss`` of hours or degrees, rounded without ever writing 60 seconds."""
    sign = "-" if value < 0 else ("+" if signed else "")
    units = round(abs(value) * 3600 * 10**decimals)
    seconds, fraction = divmod(units, 10**decimals)
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:0{decimals}d}"


def _timestamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
