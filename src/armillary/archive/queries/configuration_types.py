"""Which kinds of frames there are."""

from __future__ import annotations

from armillary.clients.configdb import ConfigDBClient
from armillary.clients.transport import connect
from armillary.configuration import Component, configuration
from armillary.core.frames import CONFIGURATION_TYPES


def usual_types() -> tuple[str, ...]:
    """The kinds that are known without asking anybody."""
    return tuple(dict.fromkeys((*CONFIGURATION_TYPES, *configuration().archive_configuration_types)))


def is_known_type(code: str) -> bool:
    """Whether frames can be of a kind: a usual one, or one that an instrument of the observatory can take.

    Raises:
        ServiceUnavailable: The configuration database is needed and cannot be asked.
    """
    if code in usual_types():
        return True
    settings = configuration()
    if not settings.runs(Component.CONFIGDB) and settings.url_of(Component.CONFIGDB) is None:
        return False
    with connect("configdb") as http:
        instruments = ConfigDBClient(http).observatory().instrument_types(include_unschedulable=True)
    return any(code in instrument.configuration_types for instrument in instruments.values())
