"""A first description: one telescope with one instrument, in the plain form, to be edited further."""

from __future__ import annotations

from dataclasses import dataclass

_TEMPLATE = """\
# {name}: one telescope, described for `armillary configdb import`.
# Angles are degrees, hour angles hours, overheads seconds, apertures metres. What is left out has its usual value.

sites:
  - code: {site}
    name: {quoted_name}
    lat: {latitude_deg}                   # north positive
    long: {longitude_deg}                 # east positive
    elevation: {elevation_m}              # metres
    tz: {time_zone}
    enclosures:
      - code: {enclosure}
        telescopes:
          - code: {telescope}
            aperture: {aperture_m}
            horizon: {horizon_deg}        # lowest altitude
            maximum_slew_overhead: 120
            instruments:
              - code: {instrument}
                state: SCHEDULABLE
                type: {instrument_type}
                camera: {instrument}

cameras:
  {instrument}:
    type: detector
    optics: [filter wheel]

camera_types:
  detector:
    pixels: [{pixels_x}, {pixels_y}]
    pscale: {pixel_scale_arcsec}          # arcseconds per pixel

optical_element_groups:
  filter wheel:
    type: filters
    default: {first_filter}
    element_change_overhead: 5
    elements: [{filters}]

instrument_types:
  {instrument_type}:
    instrument_category: IMAGE
    observation_front_padding: 90         # first slew and set-up
    fixed_overhead_per_exposure: 1
    modes:
      readout:
        modes:
          full_frame: {{name: Full frame, overhead: {readout_s}}}
    configuration_types: [EXPOSE, REPEAT_EXPOSE, AUTO_FOCUS, SKY_FLAT, BIAS, DARK]
"""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What must be known of an observatory to begin with."""

    name: str
    site: str
    latitude_deg: float
    longitude_deg: float
    elevation_m: int
    time_zone: str
    telescope: str
    aperture_m: float
    instrument: str
    instrument_type: str
    pixels_x: int
    pixels_y: int
    pixel_scale_arcsec: float
    filters: tuple[str, ...]
    enclosure: str = "dome"
    horizon_deg: float = 20.0
    readout_s: float = 5.0

    def as_plain_form(self) -> str:
        """YAML with comments; whether it is right, reading it says."""
        values = {name: getattr(self, name) for name in self.__slots__}
        texts = ("site", "time_zone", "telescope", "instrument", "instrument_type", "enclosure")
        values |= {name: _quoted(values[name]) for name in texts}
        filters = [_quoted(each) for each in self.filters]
        values |= {"filters": ", ".join(filters), "first_filter": filters[0] if filters else "''"}
        return _TEMPLATE.format(**values | {"quoted_name": _quoted(self.name), "name": " ".join(self.name.split())})


def _quoted(text: str) -> str:
    """In YAML's single quotes: nothing in them means anything."""
    return "'" + " ".join(text.split()).replace("'", "''") + "'"
