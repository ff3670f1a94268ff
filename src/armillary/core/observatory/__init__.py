"""What the observatory owns: one immutable snapshot of sites, enclosures, telescopes and instruments."""

from armillary.core.observatory.decoding import ObservatoryError
from armillary.core.observatory.equipment import (
    Camera,
    CameraType,
    ConfigurationType,
    Enclosure,
    Instrument,
    InstrumentState,
    InstrumentType,
    Mode,
    ModeGroup,
    OpticalElement,
    OpticalElementGroup,
    Site,
    Telescope,
    riseset_site,
    telescope_class,
)
from armillary.core.observatory.snapshot import Observatory

__all__ = [
    "Camera",
    "CameraType",
    "ConfigurationType",
    "Enclosure",
    "Instrument",
    "InstrumentState",
    "InstrumentType",
    "Mode",
    "ModeGroup",
    "Observatory",
    "ObservatoryError",
    "OpticalElement",
    "OpticalElementGroup",
    "Site",
    "Telescope",
    "riseset_site",
    "telescope_class",
]
