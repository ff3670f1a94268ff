"""What an object of the ``/sites/`` shape holds. What single values must be like, the models' fields say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from armillary.configdb.models import (
    Camera,
    CameraType,
    ConfigurationType,
    ConfigurationTypeProperties,
    Enclosure,
    GenericMode,
    GenericModeGroup,
    Instrument,
    InstrumentCategory,
    InstrumentType,
    ModeType,
    OpticalElement,
    OpticalElementGroup,
    Resource,
    Site,
    Telescope,
)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One kind of object."""

    model: type[Resource]
    fields: tuple[str, ...]
    """Names of plain values that are fields of the model."""
    borrowed: Mapping[str, tuple[type[Resource], str]] = field(default_factory=dict)
    """Plain values that are fields of another model."""
    optional: frozenset[str] = frozenset()
    """What may be missing or null although the model could not do without."""
    identity: str = ""
    """The field that tells it apart in a whole observatory, where there is one."""
    objects: Mapping[str, Shape] = field(default_factory=dict)
    lists: Mapping[str, Shape] = field(default_factory=dict)


ELEMENT: Final = Shape(OpticalElement, ("name", "code", "schedulable"), identity="code")
ELEMENT_GROUP: Final = Shape(
    OpticalElementGroup,
    ("name", "type", "element_change_overhead"),
    borrowed={"default": (OpticalElement, "code")},
    optional=frozenset({"default"}),
    lists={"optical_elements": ELEMENT},
)
CAMERA_TYPE: Final = Shape(
    CameraType, ("name", "code", "size", "pscale", "pixels_x", "pixels_y", "max_rois"), identity="name"
)
CAMERA: Final = Shape(
    Camera,
    ("code", "orientation", "host"),
    identity="code",
    objects={"camera_type": CAMERA_TYPE},
    lists={"optical_element_groups": ELEMENT_GROUP},
)
MODE: Final = Shape(GenericMode, ("name", "overhead", "code", "schedulable", "validation_schema"))
MODE_GROUP: Final = Shape(
    GenericModeGroup,
    (),
    borrowed={"type": (ModeType, "id"), "default": (GenericMode, "code")},
    optional=frozenset({"default"}),
    lists={"modes": MODE},
)
CONFIGURATION_TYPE: Final = Shape(
    ConfigurationTypeProperties,
    (
        "config_change_overhead",
        "schedulable",
        "force_acquisition_off",
        "requires_optical_elements",
        "validation_schema",
    ),
    borrowed={"name": (ConfigurationType, "name"), "code": (ConfigurationType, "code")},
)
INSTRUMENT_TYPE: Final = Shape(
    InstrumentType,
    (
        *("name", "code", "fixed_overhead_per_exposure", "observation_front_padding", "acquire_exposure_time"),
        *("default_acceptability_threshold", "config_front_padding", "allow_self_guiding", "validation_schema"),
    ),
    borrowed={
        "instrument_category": (InstrumentCategory, "code"),
        "default_configuration_type": (ConfigurationType, "code"),
    },
    optional=frozenset({"instrument_category", "default_configuration_type"}),
    identity="code",
    lists={"mode_types": MODE_GROUP, "configuration_types": CONFIGURATION_TYPE},
)
INSTRUMENT: Final = Shape(
    Instrument,
    ("code", "state", "autoguider_type"),
    objects={"autoguider_camera": CAMERA, "instrument_type": INSTRUMENT_TYPE},
    lists={"science_cameras": CAMERA},
)
TELESCOPE: Final = Shape(
    Telescope,
    (
        *("code", "serial_number", "name", "active", "aperture", "lat", "long", "slew_rate", "minimum_slew_overhead"),
        *("maximum_slew_overhead", "instrument_change_overhead", "horizon", "ha_limit_pos", "ha_limit_neg"),
        *("telescope_front_padding", "zenith_blind_spot"),
    ),
    lists={"instrument_set": INSTRUMENT},
)
ENCLOSURE: Final = Shape(Enclosure, ("code", "name", "active"), lists={"telescope_set": TELESCOPE})
SITE: Final = Shape(
    Site,
    ("code", "name", "active", "timezone", "restart", "tz", "lat", "long", "elevation"),
    lists={"enclosure_set": ENCLOSURE},
)
