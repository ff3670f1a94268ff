"""Everything that is in the database, read in a constant number of queries and rendered as the wire has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import time
from functools import cached_property
from typing import Any, Final

from django.db.models import Model

from armillary.configdb.models import (
    Camera,
    CameraOptics,
    CameraType,
    ConfigurationType,
    ConfigurationTypeProperties,
    Enclosure,
    GenericMode,
    GenericModeGroup,
    Instrument,
    InstrumentCategory,
    InstrumentType,
    ModeMembership,
    ModeType,
    OpticalElement,
    OpticalElementGroup,
    OpticalElementPlace,
    Resource,
    ScienceCamera,
    Site,
    Telescope,
)

Json = dict[str, Any]
Row = dict[str, Any]


class Equipment:
    """The whole configuration, each table read at most once, when it is first needed.

    Args:
        base_url: Address under which the resources hang, with a slash at its end; links are made from it.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._camera_cache: dict[int, Json] = {}
        self._instrument_type_cache: dict[int, Json] = {}

    # --- Places

    def site(self, row: Row) -> Json:
        """A site with everything on it."""
        return {
            "id": row["id"],
            "name": row["name"],
            "code": row["code"],
            "active": row["active"],
            "timezone": row["timezone"],
            "restart": _clock_time(row["restart"]),
            "tz": row["tz"],
            "lat": row["lat"],
            "long": row["long"],
            "elevation": row["elevation"],
            "enclosure_set": [self.enclosure(each) for each in self._enclosures_at.get(row["id"], ())],
            "__str__": row["code"],
        }

    def enclosure(self, row: Row) -> Json:
        """An enclosure with its telescopes."""
        return {
            "id": row["id"],
            "name": row["name"],
            "code": row["code"],
            "active": row["active"],
            "site": f"{self._base_url}sites/{row['site_id']}/",
            "telescope_set": [self.telescope(each) for each in self._telescopes_in.get(row["id"], ())],
            "__str__": self._enclosure_name(row),
        }

    def telescope(self, row: Row) -> Json:
        """A telescope with its instruments; the longest slew is named only where it is set."""
        longest = row["maximum_slew_overhead"]
        return {
            "id": row["id"],
            "serial_number": row["serial_number"],
            "name": row["name"],
            "code": row["code"],
            "active": row["active"],
            "aperture": row["aperture"],
            "lat": row["lat"],
            "slew_rate": row["slew_rate"],
            "minimum_slew_overhead": row["minimum_slew_overhead"],
            **({} if longest is None else {"maximum_slew_overhead": longest}),
            "instrument_change_overhead": row["instrument_change_overhead"],
            "long": row["long"],
            "enclosure": f"{self._base_url}enclosures/{row['enclosure_id']}/",
            "horizon": row["horizon"],
            "ha_limit_pos": row["ha_limit_pos"],
            "ha_limit_neg": row["ha_limit_neg"],
            "telescope_front_padding": row["telescope_front_padding"],
            "zenith_blind_spot": row["zenith_blind_spot"],
            "instrument_set": [self.instrument(each) for each in self._instruments_on.get(row["id"], ())],
            "__str__": self._telescope_name(row),
        }

    def instrument(self, row: Row) -> Json:
        """An instrument with its cameras and its type; where the guide light comes from only if it is unusual."""
        guider_type = row["autoguider_type"]
        usual = guider_type == Instrument.AutoguiderType.OFF_AXIS
        return {
            "id": row["id"],
            "code": row["code"],
            "state": row["state"],
            "telescope": f"{self._base_url}telescopes/{row['telescope_id']}/",
            "autoguider_camera": self._camera(row["autoguider_camera_id"]),
            **({} if usual else {"autoguider_type": guider_type}),
            "science_cameras": [self._camera(each) for each in self._science_cameras.get(row["id"], ())],
            "instrument_type": self._instrument_type(row["instrument_type_id"]),
            "__str__": f"{self._telescope_name(self._telescopes[row['telescope_id']])}.{row['code']}",
        }

    # --- Optics

    def camera(self, row: Row) -> Json:
        """A camera with its optical element groups."""
        groups = [
            self.optical_element_group(self._element_groups[each]) for each in self._camera_groups.get(row["id"], ())
        ]
        return {
            "id": row["id"],
            "code": row["code"],
            "camera_type": self.camera_type(self._camera_types[row["camera_type_id"]]),
            "orientation": row["orientation"],
            "optical_elements": {
                group["type"]: ",".join(element["code"] for element in group["optical_elements"]) for group in groups
            },
            "optical_element_groups": groups,
            "host": row["host"],
        }

    @staticmethod
    def camera_type(row: Row) -> Json:
        """A detector model."""
        return {key: row[key] for key in ("id", "size", "pscale", "name", "code", "pixels_x", "pixels_y", "max_rois")}

    def optical_element_group(self, row: Row) -> Json:
        """A group with its elements."""
        return {
            "id": row["id"],
            "name": row["name"],
            "type": row["type"],
            "optical_elements": [
                self.optical_element(self._elements[each]) for each in self._group_elements.get(row["id"], ())
            ],
            "element_change_overhead": row["element_change_overhead"],
            "default": "" if row["default_id"] is None else self._elements[row["default_id"]]["code"],
        }

    @staticmethod
    def optical_element(row: Row) -> Json:
        """A filter, slit or grating."""
        return {key: row[key] for key in ("id", "name", "code", "schedulable")}

    # --- What instruments can do

    def instrument_type(self, row: Row) -> Json:
        """An instrument type with its modes and configuration types."""
        identifier = row["id"]
        return {
            "id": identifier,
            "name": row["name"],
            "code": row["code"],
            "fixed_overhead_per_exposure": row["fixed_overhead_per_exposure"],
            "instrument_category": row["instrument_category_id"],
            "observation_front_padding": row["observation_front_padding"],
            "acquire_exposure_time": row["acquire_exposure_time"],
            "default_configuration_type": row["default_configuration_type_id"],
            "mode_types": [self.mode_group(each) for each in self._mode_groups_of.get(identifier, ())],
            "default_acceptability_threshold": row["default_acceptability_threshold"],
            "config_front_padding": row["config_front_padding"],
            "allow_self_guiding": row["allow_self_guiding"],
            "configuration_types": [self._configuration_type(each) for each in self._properties_of.get(identifier, ())],
            "validation_schema": row["validation_schema"],
        }

    def mode_group(self, row: Row) -> Json:
        """The modes of one kind."""
        return {
            "id": row["id"],
            "type": row["type_id"],
            "modes": [self.mode(self._modes[each]) for each in self._group_modes.get(row["id"], ())],
            "default": "" if row["default_id"] is None else self._modes[row["default_id"]]["code"],
        }

    @staticmethod
    def mode(row: Row) -> Json:
        """One mode."""
        return {key: row[key] for key in ("id", "name", "overhead", "code", "schedulable", "validation_schema")}

    def _configuration_type(self, row: Row) -> Json:
        code = row["configuration_type_id"]
        return {
            "name": self._configuration_types[code]["name"],
            "code": code,
            **{key: row[key] for key in _CONFIGURATION_TYPE_KEYS},
        }

    @staticmethod
    def configuration_type_properties(row: Row) -> Json:
        """The properties of a configuration type, as their own resource."""
        return {
            "id": row["id"],
            "configuration_type": row["configuration_type_id"],
            "instrument_type": row["instrument_type_id"],
            **{key: row[key] for key in _CONFIGURATION_TYPE_KEYS},
        }

    @staticmethod
    def configuration_type(row: Row) -> Json:
        """A kind of work."""
        return {"name": row["name"], "code": row["code"]}

    @staticmethod
    def instrument_category(row: Row) -> Json:
        """A family of instruments."""
        return {"code": row["code"]}

    @staticmethod
    def mode_type(row: Row) -> Json:
        """What a mode is about."""
        return {"id": row["id"]}

    # --- One rendering for all occurrences

    def _camera(self, identifier: int) -> Json:
        if identifier not in self._camera_cache:
            self._camera_cache[identifier] = self.camera(self._cameras[identifier])
        return self._camera_cache[identifier]

    def _instrument_type(self, identifier: int) -> Json:
        if identifier not in self._instrument_type_cache:
            self._instrument_type_cache[identifier] = self.instrument_type(self._instrument_types[identifier])
        return self._instrument_type_cache[identifier]

    def _enclosure_name(self, row: Row) -> str:
        return f"{self._sites[row['site_id']]['code']}.{row['code']}"

    def _telescope_name(self, row: Row) -> str:
        return f"{self._enclosure_name(self._enclosures[row['enclosure_id']])}.{row['code']}"

    # --- Tables

    @cached_property
    def _sites(self) -> dict[Any, Row]:
        return _table(Site)

    @cached_property
    def _enclosures(self) -> dict[Any, Row]:
        return _table(Enclosure)

    @cached_property
    def _telescopes(self) -> dict[Any, Row]:
        return _table(Telescope)

    @cached_property
    def _instruments(self) -> dict[Any, Row]:
        return _table(Instrument)

    @cached_property
    def _cameras(self) -> dict[Any, Row]:
        return _table(Camera)

    @cached_property
    def _camera_types(self) -> dict[Any, Row]:
        return _table(CameraType)

    @cached_property
    def _element_groups(self) -> dict[Any, Row]:
        return _table(OpticalElementGroup)

    @cached_property
    def _elements(self) -> dict[Any, Row]:
        return _table(OpticalElement)

    @cached_property
    def _instrument_types(self) -> dict[Any, Row]:
        return _table(InstrumentType)

    @cached_property
    def _modes(self) -> dict[Any, Row]:
        return _table(GenericMode)

    @cached_property
    def _configuration_types(self) -> dict[Any, Row]:
        return _table(ConfigurationType)

    @cached_property
    def _enclosures_at(self) -> dict[Any, list[Row]]:
        return _grouped(self._enclosures.values(), "site_id")

    @cached_property
    def _telescopes_in(self) -> dict[Any, list[Row]]:
        return _grouped(self._telescopes.values(), "enclosure_id")

    @cached_property
    def _instruments_on(self) -> dict[Any, list[Row]]:
        return _grouped(self._instruments.values(), "telescope_id")

    @cached_property
    def _mode_groups_of(self) -> dict[Any, list[Row]]:
        return _grouped(_table(GenericModeGroup).values(), "instrument_type_id")

    @cached_property
    def _properties_of(self) -> dict[Any, list[Row]]:
        return _grouped(_table(ConfigurationTypeProperties).values(), "instrument_type_id")

    @cached_property
    def _science_cameras(self) -> dict[int, list[int]]:
        return _members(ScienceCamera, "instrument_id", "camera_id")

    @cached_property
    def _camera_groups(self) -> dict[int, list[int]]:
        return _members(CameraOptics, "camera_id", "opticalelementgroup_id")

    @cached_property
    def _group_elements(self) -> dict[int, list[int]]:
        return _members(OpticalElementPlace, "opticalelementgroup_id", "opticalelement_id")

    @cached_property
    def _group_modes(self) -> dict[int, list[int]]:
        return _members(ModeMembership, "genericmodegroup_id", "genericmode_id")


_CONFIGURATION_TYPE_KEYS: Final = (
    "config_change_overhead",
    "schedulable",
    "force_acquisition_off",
    "requires_optical_elements",
    "validation_schema",
)

_RENDERED_BY: Final[dict[type[Resource], Callable[[Equipment, Row], Json]]] = {
    Site: Equipment.site,
    Enclosure: Equipment.enclosure,
    Telescope: Equipment.telescope,
    Instrument: Equipment.instrument,
    Camera: Equipment.camera,
    CameraType: lambda _, row: Equipment.camera_type(row),
    OpticalElementGroup: Equipment.optical_element_group,
    OpticalElement: lambda _, row: Equipment.optical_element(row),
    InstrumentType: Equipment.instrument_type,
    GenericModeGroup: Equipment.mode_group,
    GenericMode: lambda _, row: Equipment.mode(row),
    ConfigurationTypeProperties: lambda _, row: Equipment.configuration_type_properties(row),
    ConfigurationType: lambda _, row: Equipment.configuration_type(row),
    InstrumentCategory: lambda _, row: Equipment.instrument_category(row),
    ModeType: lambda _, row: Equipment.mode_type(row),
}


def render(model: type[Resource], rows: Iterable[Row], *, base_url: str) -> list[Json]:
    """Objects of one kind in the shape of the wire.

    Args:
        model: What they are.
        rows: Their columns, as ``QuerySet.values()`` gives them.
        base_url: Address under which the resources hang, with a slash at its end.
    """
    equipment = Equipment(base_url)
    return [_RENDERED_BY[model](equipment, row) for row in rows]


def _table(model: type[Model]) -> dict[Any, Row]:
    key = model._meta.pk.attname  # noqa: SLF001  Django's public metadata
    return {row[key]: row for row in model._default_manager.values()}  # noqa: SLF001  and its manager


def _grouped(rows: Iterable[Row], key: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def _members(through: type[Model], owner: str, member: str) -> dict[int, list[int]]:
    members: dict[int, list[int]] = defaultdict(list)
    for owner_id, member_id in through._default_manager.values_list(owner, member):  # noqa: SLF001  the same
        members[owner_id].append(member_id)
    return members


def _clock_time(moment: time | str) -> str:
    return moment if isinstance(moment, str) else moment.isoformat()
