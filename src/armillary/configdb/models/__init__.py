"""What an observatory owns. Field names are the names on the wire; units are in the help texts."""

from armillary.configdb.models.instruments import (
    ConfigurationType,
    ConfigurationTypeProperties,
    GenericMode,
    GenericModeGroup,
    Instrument,
    InstrumentCategory,
    InstrumentType,
    ModeMembership,
    ModeType,
    ScienceCamera,
)
from armillary.configdb.models.optics import (
    Camera,
    CameraOptics,
    CameraType,
    OpticalElement,
    OpticalElementGroup,
    OpticalElementPlace,
)
from armillary.configdb.models.places import Enclosure, Site, Telescope
from armillary.configdb.models.resource import Resource, Revision

RESOURCES: tuple[type[Resource], ...] = (
    Site,
    Enclosure,
    Telescope,
    CameraType,
    OpticalElement,
    OpticalElementGroup,
    Camera,
    InstrumentCategory,
    ConfigurationType,
    ModeType,
    InstrumentType,
    ConfigurationTypeProperties,
    GenericMode,
    GenericModeGroup,
    Instrument,
)
"""All kinds of things, each after what it refers to."""

__all__ = [
    "RESOURCES",
    "Camera",
    "CameraOptics",
    "CameraType",
    "ConfigurationType",
    "ConfigurationTypeProperties",
    "Enclosure",
    "GenericMode",
    "GenericModeGroup",
    "Instrument",
    "InstrumentCategory",
    "InstrumentType",
    "ModeMembership",
    "ModeType",
    "OpticalElement",
    "OpticalElementGroup",
    "OpticalElementPlace",
    "Resource",
    "Revision",
    "ScienceCamera",
    "Site",
    "Telescope",
]
