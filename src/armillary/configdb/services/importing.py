"""Makes the database hold what a document describes: all of it or nothing; doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import connection, transaction

from armillary.configdb.document import DocumentError, ObservatoryDocument, Problem, decode
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
from armillary.configdb.services.announcing import announce_change
from armillary.configdb.services.members import current_members, store_members
from armillary.configdb.services.recording import Authorship, record
from armillary.configdb.services.writing import LOCK
from armillary.platform.database import retry_conflicts, serialised

R = TypeVar("R", bound=Resource)
Json = Mapping[str, Any]

_SITE: Final = ("name", "active", "timezone", "restart", "tz", "lat", "long", "elevation")
_TELESCOPE: Final = (
    *("serial_number", "name", "active", "aperture", "lat", "long", "slew_rate", "minimum_slew_overhead"),
    *("maximum_slew_overhead", "instrument_change_overhead", "horizon", "ha_limit_pos", "ha_limit_neg"),
    *("telescope_front_padding", "zenith_blind_spot"),
)
_CAMERA_TYPE: Final = ("code", "size", "pscale", "pixels_x", "pixels_y", "max_rois")
_INSTRUMENT_TYPE: Final = (
    *("name", "fixed_overhead_per_exposure", "observation_front_padding", "acquire_exposure_time"),
    *("default_acceptability_threshold", "config_front_padding", "allow_self_guiding", "validation_schema"),
)
_PROPERTIES: Final = (
    *("config_change_overhead", "schedulable", "force_acquisition_off", "requires_optical_elements"),
    "validation_schema",
)
_MODE: Final = ("name", "overhead", "code", "schedulable", "validation_schema")


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do."""

    dry_run: bool
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    """In the database, but not in the document: left alone."""
    unchanged: int = 0

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "dry_run": self.dry_run,
            "created": self.created,
            "changed": self.changed,
            "absent": self.absent,
            "unchanged": self.unchanged,
        }

    def lines(self) -> list[str]:
        """For people."""
        would = "would be " if self.dry_run else ""
        lines = [f"{would}created: {name}" for name in self.created]
        lines += [f"{would}changed: {name}" for name in self.changed]
        lines += [f"not in the file, left alone: {name}" for name in self.absent]
        return [*lines, f"{len(self.created)} created, {len(self.changed)} changed, {self.unchanged} as they were"]


@retry_conflicts()
def import_observatory(
    document: ObservatoryDocument | Any, *, dry_run: bool = False, by: Authorship | None = None
) -> ImportReport:
    """Make the database hold what a document describes. Objects that it does not name are left alone.

    Args:
        document: In the shape of ``GET /sites/``. Its ids are kept where they are free.
        dry_run: Only report.
        by: Who does it, and why.

    Raises:
        DocumentError: Something in it is not accepted; every mistake is named, and nothing is changed.
    """
    wanted = document if isinstance(document, ObservatoryDocument) else decode(document)
    importing = _Import(by or Authorship(reason="import"), ImportReport(dry_run))
    with transaction.atomic():
        serialised(LOCK)
        importing.run(wanted)
        transaction.set_rollback(dry_run)
    return importing.report


class _Import:
    """One import: every object is stored at its first occurrence, later ones refer to it."""

    def __init__(self, by: Authorship, report: ImportReport) -> None:
        self.report = report
        self._by = by
        self._problems: list[Problem] = []
        self._stored: dict[tuple[type[Resource], Any], Any] = {}
        self._path = ""

    def run(self, document: ObservatoryDocument) -> None:
        for site in document.sites:
            self._site(site)
        if self._problems:
            raise DocumentError(self._problems)
        self._note_absent()
        if self.report.created or self.report.changed:
            _reset_sequences()
            announce_change("import", {"action": "imported", "created": len(self.report.created)})

    def _site(self, wire: Json) -> None:
        self._path = str(wire["code"])
        site = self._put(Site, {"code": wire["code"]}, wire, _SITE)
        for below in wire["enclosure_set"]:
            self._path = f"{wire['code']}.{below['code']}"
            place = {"site": site, "code": below["code"]}
            enclosure = self._put(Enclosure, place, below, ("name", "active"))
            for telescope in below["telescope_set"]:
                self._telescope(enclosure, telescope, f"{wire['code']}.{below['code']}.{telescope['code']}")

    def _telescope(self, enclosure: Enclosure, wire: Json, path: str) -> None:
        self._path = path
        telescope = self._put(Telescope, {"enclosure": enclosure, "code": wire["code"]}, wire, _TELESCOPE)
        for instrument in wire["instrument_set"]:
            self._path = f"{path}.{instrument['code']}"
            self._instrument(telescope, instrument)

    def _instrument(self, telescope: Telescope, wire: Json) -> None:
        more = {
            "instrument_type": self._instrument_type(wire["instrument_type"]),
            "autoguider_camera": self._camera(wire["autoguider_camera"]),
            "autoguider_type": wire.get("autoguider_type", Instrument.AutoguiderType.OFF_AXIS),
        }
        cameras = [self._camera(camera) for camera in wire["science_cameras"]]
        key = {"telescope": telescope, "code": wire["code"]}
        self._put(Instrument, key, wire, ("state",), more, {"science_cameras": cameras})

    def _camera(self, wire: Json) -> Camera:
        kind = wire["camera_type"]
        camera_type = self._put(CameraType, {"name": kind["name"]}, kind, _CAMERA_TYPE)
        groups = [self._element_group(group) for group in wire["optical_element_groups"]]
        members = {"optical_element_groups": groups}
        more = {"camera_type": camera_type}
        return self._put(Camera, {"code": wire["code"]}, wire, ("orientation", "host"), more, members)

    def _element_group(self, wire: Json) -> OpticalElementGroup:
        elements = [
            self._put(OpticalElement, {"code": element["code"]}, element, ("name", "schedulable"))
            for element in wire["optical_elements"]
        ]
        default = next((element for element in elements if element.code == wire.get("default")), None)
        key = {"name": wire["name"], "type": wire["type"]}
        members = {"optical_elements": elements}
        return self._put(OpticalElementGroup, key, wire, ("element_change_overhead",), {"default": default}, members)

    def _instrument_type(self, wire: Json) -> InstrumentType:
        if known := self._stored.get((InstrumentType, (wire["code"],))):
            return known  # type: ignore[no-any-return]  # stored under its own class
        kinds = [
            self._put(ConfigurationType, {"code": each["code"]}, each, ("name",))
            for each in wire["configuration_types"]
        ]
        category = wire.get("instrument_category")
        more = {
            "instrument_category": category and self._put(InstrumentCategory, {"code": category}, {}, ()),
            "default_configuration_type": next(
                (kind for kind in kinds if kind.code == wire.get("default_configuration_type")), None
            ),
        }
        instrument_type = self._put(InstrumentType, {"code": wire["code"]}, wire, _INSTRUMENT_TYPE, more)
        for kind, each in zip(kinds, wire["configuration_types"], strict=True):
            pair = {"instrument_type": instrument_type, "configuration_type": kind}
            self._put(ConfigurationTypeProperties, pair, {**each, "id": None}, _PROPERTIES)
        for group in wire["mode_types"]:
            self._mode_group(instrument_type, group)
        return instrument_type

    def _mode_group(self, instrument_type: InstrumentType, wire: Json) -> None:
        mode_type = self._put(ModeType, {"id": wire["type"]}, {}, ())
        modes = [self._mode(mode) for mode in wire["modes"]]
        default = next((mode for mode in modes if mode.code == wire.get("default")), None)
        key = {"instrument_type": instrument_type, "type": mode_type}
        self._put(GenericModeGroup, key, wire, (), {"default": default}, {"modes": modes})

    def _mode(self, wire: Json) -> GenericMode:
        """Modes have no unique name: the one with the document's id, if it is alike, else any alike, else a new one."""
        values = {name: wire[name] for name in _MODE if name in wire}
        alike = [mode for mode in GenericMode.objects.filter(code=wire["code"]) if _differences(mode, values) == []]
        same = next((mode for mode in alike if mode.pk == wire.get("id")), alike[0] if alike else None)
        if same is not None:
            if (GenericMode, same.pk) not in self._stored:
                self._stored[GenericMode, same.pk] = same
                self.report.unchanged += 1
            return same
        mode = GenericMode(**values)
        self._save_new(mode, wire.get("id"))
        self._stored[GenericMode, mode.pk] = mode
        return mode

    def _put(
        self,
        model: type[R],
        key: Mapping[str, Any],
        wire: Json,
        fields: Sequence[str],
        more: Mapping[str, Any] | None = None,
        members: Mapping[str, Sequence[Resource]] | None = None,
    ) -> R:
        """The object of that key, made to be as described."""
        name = (model, tuple(getattr(value, "pk", value) for value in key.values()))
        if name in self._stored:
            return self._stored[name]  # type: ignore[no-any-return]  # stored under its own class
        values = {each: wire[each] for each in fields if each in wire} | dict(more or {})
        existing = model._default_manager.filter(**key).first()  # noqa: SLF001  Django's public name of the manager
        thing = existing or model(**key)
        changed = [] if existing is None else _differences(existing, values)
        for each, value in values.items():
            setattr(thing, each, value)
        self._stored[name] = thing
        if existing is None:
            self._save_new(thing, wire.get("id"), members)
        else:
            self._save_changed(thing, changed, members)
        return thing

    def _save_new(
        self, thing: Resource, identifier: Any, members: Mapping[str, Sequence[Resource]] | None = None
    ) -> None:
        kind = type(thing)
        is_numbered = kind._meta.pk.get_internal_type() == "BigAutoField"  # noqa: SLF001  Django's public metadata
        if is_numbered and isinstance(identifier, int) and not kind.with_key(identifier).exists():
            thing.pk = identifier
        if not self._is_clean(thing):
            return
        thing.save(force_insert=True)
        for name, each in (members or {}).items():
            store_members(thing, name, each)
        record(thing, "+", self._by)
        self.report.created.append(_name(thing))

    def _save_changed(
        self, thing: Resource, changed: list[str], members: Mapping[str, Sequence[Resource]] | None
    ) -> None:
        if not self._is_clean(thing):
            return
        moved = {name: each for name, each in (members or {}).items() if list(each) != current_members(thing, name)}
        if not changed and not moved:
            self.report.unchanged += 1
            return
        if changed:
            thing.save(update_fields=changed)
        for name, each in moved.items():
            store_members(thing, name, each)
        record(thing, "~", self._by)
        self.report.changed.append(f"{_name(thing)} ({', '.join([*changed, *moved])})")

    def _is_clean(self, thing: Resource) -> bool:
        try:
            thing.full_clean(validate_unique=False)
        except ValidationError as error:
            self._problems += [
                Problem(self._path, f"{name}: {' '.join(sentences)}") for name, sentences in error.message_dict.items()
            ]
            if thing.pk is None:
                # What refers to it is still looked at, so that every mistake is named at once.
                thing.pk = -len(self._problems)
            return False
        return True

    def _note_absent(self) -> None:
        named = {(type(thing), thing.pk) for thing in self._stored.values()}
        for model in (Site, Enclosure, Telescope, Instrument):
            for thing in model._default_manager.all():  # noqa: SLF001  Django's public name of the manager
                if (model, thing.pk) not in named:
                    self.report.absent.append(_name(thing))


def _differences(thing: Resource, values: Mapping[str, Any]) -> list[str]:
    return [name for name, value in values.items() if _comparable(getattr(thing, name)) != _comparable(value)]


def _comparable(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _name(thing: Resource) -> str:
    return f"{thing._meta.verbose_name} {thing}"  # noqa: SLF001  Django's public metadata


def _reset_sequences() -> None:
    """PostgreSQL does not count ids that were given; tell it where to go on."""
    with connection.cursor() as cursor:
        for statement in _sequence_statements():
            cursor.execute(statement)


def _sequence_statements() -> Iterator[str]:
    if connection.vendor == "postgresql":
        models = [Site, Enclosure, Telescope, CameraType, OpticalElement, OpticalElementGroup, Camera, InstrumentType]
        models += [ConfigurationTypeProperties, GenericMode, GenericModeGroup, Instrument]
        yield from connection.ops.sequence_reset_sql(no_style(), models)
