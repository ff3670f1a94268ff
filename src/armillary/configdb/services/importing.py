"""Makes the database hold what a document describes: all of it or nothing; doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

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
_LONGEST_SHOWN: Final = 80
_LARGEST_ID: Final = 2**63
_MODE: Final = ("name", "overhead", "code", "schedulable", "validation_schema")


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do."""

    dry_run: bool
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    """In the database, but not in the document: left alone."""
    doubts: tuple[str, ...] = ()
    """What is allowed, and probably not meant."""
    unchanged: int = 0

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "dry_run": self.dry_run,
            "created": self.created,
            "changed": self.changed,
            "absent": self.absent,
            "doubts": list(self.doubts),
            "unchanged": self.unchanged,
        }

    def lines(self) -> list[str]:
        """For people."""
        would = "would be " if self.dry_run else ""
        lines = [f"{would}created: {name}" for name in self.created]
        lines += [f"{would}changed: {name}" for name in self.changed]
        lines += [f"not in the file, left alone: {name}" for name in self.absent]
        lines += [f"is this meant? {doubt}" for doubt in self.doubts]
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
    importing = _Import(by or Authorship(reason="import"), ImportReport(dry_run, doubts=wanted.doubts))
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
        self._done: set[int] = set()
        self._uncounted: set[type[Resource]] = set()
        self._path = ""

    def run(self, document: ObservatoryDocument) -> None:
        for site in document.sites:
            self._site(site)
        if self._problems:
            raise DocumentError(self._problems)
        self._note_absent()
        if self.report.created or self.report.changed:
            _reset_sequences(*self._uncounted)
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
        members = {"optical_elements": elements}
        words = ("name", "type", "element_change_overhead")
        existing = self._group_like(wire, words, elements)
        return self._store(existing, wire, words, {"default": default}, members)

    def _group_like(self, wire: Json, words: Sequence[str], elements: Sequence[OpticalElement]) -> OpticalElementGroup:
        """Groups have no unique name: the same description is the same group, an id tells alike ones apart."""
        values = {name: wire[name] for name in words if name in wire}
        same = (OpticalElementGroup, _id_in(wire) or (repr(values), tuple(each.pk for each in elements)))
        if same not in self._stored:
            taken = {thing.pk for (kind, _), thing in self._stored.items() if kind is OpticalElementGroup}
            named = OpticalElementGroup.objects.filter(name=wire["name"], type=wire["type"]).exclude(pk__in=taken)
            candidates = list(named.order_by("id"))
            by_id = [each for each in candidates if each.pk == _id_in(wire)]
            alike = [each for each in candidates if current_members(each, "optical_elements") == list(elements)]
            self._stored[same] = next(iter([*by_id, *alike, *candidates]), OpticalElementGroup())
        return cast("OpticalElementGroup", self._stored[same])

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
        key = {"instrument_type": instrument_type, "type": mode_type}
        present = GenericModeGroup.objects.filter(**key).first()
        modes = [self._mode(present, mode) for mode in wire["modes"]]
        default = next((mode for mode in modes if mode.code == wire.get("default")), None)
        self._put(GenericModeGroup, key, wire, (), {"default": default}, {"modes": modes})

    def _mode(self, group: GenericModeGroup | None, wire: Json) -> GenericMode:
        """Modes have no unique name either.

        It is the one with the document's id and code; or any that is alike; or the one of that code which only this
        group has, to be changed; or a new one.
        """
        values = {name: wire[name] for name in _MODE if name in wire}
        same = (GenericMode, _id_in(wire) or repr(values))
        if same not in self._stored:
            taken = {thing.pk for (kind, _), thing in self._stored.items() if kind is GenericMode}
            candidates = list(GenericMode.objects.filter(code=wire["code"]).exclude(pk__in=taken).order_by("id"))
            by_id = [each for each in candidates if each.pk == _id_in(wire)]
            alike = [each for each in candidates if not _differences(each, values)]
            own = [each for each in candidates if group is not None and list(each.groups.all()) == [group]]
            self._stored[same] = next(iter([*by_id, *alike, *own]), GenericMode())
        return self._store(cast("GenericMode", self._stored[same]), wire, _MODE)

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
        existing = model._default_manager.filter(**key).first()  # noqa: SLF001  Django's public name of the manager
        self._stored[name] = existing or model(**key)
        return self._store(cast("R", self._stored[name]), wire, fields, more, members)

    def _store(
        self,
        thing: R,
        wire: Json,
        fields: Sequence[str],
        more: Mapping[str, Any] | None = None,
        members: Mapping[str, Sequence[Resource]] | None = None,
    ) -> R:
        """Make a thing what is described, once."""
        if id(thing) in self._done:
            return thing
        self._done.add(id(thing))
        field_of: Any = type(thing)._meta.get_field  # noqa: SLF001  Django's public metadata
        values: dict[str, Any] = {each: field_of(each).to_python(wire[each]) for each in fields if each in wire}
        values |= more or {}
        is_new = thing._state.adding  # noqa: SLF001  Django's public metadata
        changes = {} if is_new else _differences(thing, values)
        for each, value in values.items():
            setattr(thing, each, value)
        if is_new:
            self._save_new(thing, _id_in(wire), members)
        else:
            self._save_changed(thing, changes, members)
        return thing

    def _save_new(
        self, thing: Resource, identifier: int | None, members: Mapping[str, Sequence[Resource]] | None = None
    ) -> None:
        kind = type(thing)
        is_numbered = kind._meta.pk.get_internal_type() == "BigAutoField"  # noqa: SLF001  Django's public metadata
        if is_numbered and identifier is not None and not kind.with_key(identifier).exists():
            thing.pk = identifier
            self._uncounted.add(kind)
        elif kind in self._uncounted:
            _reset_sequences(kind)
            self._uncounted.discard(kind)
        if not self._is_clean(thing):
            return
        thing.save(force_insert=True)
        for name, each in (members or {}).items():
            store_members(thing, name, each)
        record(thing, "+", self._by)
        self.report.created.append(_name(thing))

    def _save_changed(
        self, thing: Resource, changes: dict[str, str], members: Mapping[str, Sequence[Resource]] | None
    ) -> None:
        if not self._is_clean(thing):
            return
        before = {name: current_members(thing, name) for name in members or {}}
        moved = {name: list(each) for name, each in (members or {}).items() if list(each) != before[name]}
        if not changes and not moved:
            self.report.unchanged += 1
            return
        if changes:
            thing.save(update_fields=list(changes))
        for name, each in moved.items():
            store_members(thing, name, each)
        record(thing, "~", self._by)
        words = [f"{name}: {change}" for name, change in changes.items()]
        words += [f"{name}: {_listed(before[name])} → {_listed(each)}" for name, each in moved.items()]
        self.report.changed.append(f"{_name(thing)} ({'; '.join(words)})")

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


def _differences(thing: Resource, values: Mapping[str, Any]) -> dict[str, str]:
    """What is to become another value, by field: ``20.0 → 25.0``."""
    return {
        name: f"{_shown(getattr(thing, name))} → {_shown(value)}"
        for name, value in values.items()
        if _comparable(getattr(thing, name)) != _comparable(value)
    }


def _comparable(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _shown(value: Any) -> str:
    text = "none" if value in (None, "") else str(_comparable(value))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def _listed(things: Sequence[Resource]) -> str:
    return _shown(", ".join(str(thing) for thing in things))


def _id_in(wire: Json) -> int | None:
    """The id that a document gives, if the database could hold it."""
    identifier = wire.get("id")
    return identifier if type(identifier) is int and 0 < identifier < _LARGEST_ID else None


def _name(thing: Resource) -> str:
    return f"{thing._meta.verbose_name} {thing}"  # noqa: SLF001  Django's public metadata


def _reset_sequences(*models: type[Resource]) -> None:
    """PostgreSQL does not count ids that were given; tell it where to go on."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
