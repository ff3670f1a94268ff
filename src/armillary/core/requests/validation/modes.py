"""Choosing and checking modes: of readout, guiding, acquisition, exposure and rotator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from armillary.core.observatory import InstrumentType, Mode, ModeGroup
from armillary.core.requests.facts import Errors
from armillary.core.requests.validation.refusals import refuse
from armillary.core.requests.validation.schemas import apply_schema, in_one_line


@dataclass(frozen=True, slots=True)
class ModeSlot:
    """Where a kind of mode is written in an object of the request."""

    kind: str
    """Type of the mode group."""
    key: str
    inside: str = ""
    """Key of the sub-object that holds `key`, if it is not the object itself."""
    without: str = ""
    """The value that needs no mode group: an instrument that cannot guide is not guided."""

    def value(self, document: dict[str, Any]) -> str:
        """The mode that the object names; empty if it names none."""
        holder = document.get(self.inside, {}) if self.inside else document
        return str(holder.get(self.key) or "")

    def with_value(self, document: dict[str, Any], value: str) -> dict[str, Any]:
        """The object, naming that mode."""
        if not self.inside:
            return {**document, self.key: value}
        return {**document, self.inside: {**document.get(self.inside, {}), self.key: value}}


READOUT = ModeSlot("readout", "mode")
ROTATOR = ModeSlot("rotator", "rotator_mode")
EXPOSURE = ModeSlot("exposure", "exposure_mode", inside="extra_params")
GUIDING = ModeSlot("guiding", "mode", without="OFF")
ACQUISITION = ModeSlot("acquisition", "mode", without="OFF")


def choose_mode(
    slot: ModeSlot, document: dict[str, Any], instrument_type: InstrumentType, errors: Errors
) -> dict[str, Any]:
    """The object with its mode chosen and the mode's defaults filled in; what is wrong goes to `errors`."""
    group, value = instrument_type.mode_groups.get(slot.kind), slot.value(document)
    if group is None:
        if value and value != slot.without:
            refuse(errors, _unavailable(slot.kind, value, instrument_type, None))
        return document
    mode = _chosen(group, value)
    if mode is None and not value:
        if group.modes:
            refuse(errors, f"Must set a {slot.kind} mode, choose from {_choices(group)}")
        return document
    if mode is None or not mode.schedulable:
        refuse(errors, _unavailable(slot.kind, value or group.default, instrument_type, group))
        return document
    document = document if value else slot.with_value(document, mode.code)
    filled, broken = apply_schema(mode.validation_schema, document)
    if broken:
        name = slot.value(document)
        refuse(errors, f"{slot.kind.capitalize()} mode {name} requirements are not met: {in_one_line(broken)}")
    return filled


def _chosen(group: ModeGroup, value: str) -> Mode | None:
    return group.mode(value) if value else group.default_mode


def _choices(group: ModeGroup | None) -> str:
    return ", ".join(mode.code for mode in group.modes if mode.schedulable) if group else ""


def _unavailable(kind: str, value: str, instrument_type: InstrumentType, group: ModeGroup | None) -> str:
    choices = _choices(group)
    hint = f"choose from {choices}" if choices else f"it has no {kind} modes"
    return f"{kind.capitalize()} mode {value} is not available for instrument type {instrument_type.code}; {hint}"
