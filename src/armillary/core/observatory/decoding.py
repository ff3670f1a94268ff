"""From the JSON of `GET /sites/` to :class:`~armillary.core.observatory.equipment.Site` values.

Unknown keys (ids, links, `__str__`) are ignored, since they change between versions of the service. Keys that only
decorate may be missing. What decides where, when or how long to observe must be there and have the right type: a wrong
number taken for a default would send a telescope below its horizon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from armillary import riseset
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
)

T = TypeVar("T")
_REQUIRED: Final[Any] = object()


class ObservatoryError(ValueError):
    """A description of an observatory that cannot be understood; the message names the place and what was expected."""


class _Node:
    """A JSON object and where it stands, so that every complaint can say where."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            message = f"{path}: expected an object, got {type(value).__name__}"
            raise ObservatoryError(message)
        self.value: Mapping[str, Any] = value
        self.path = path

    def _get(self, key: str, default: Any) -> Any:
        value = self.value.get(key, default)
        if value is None and default is not _REQUIRED:
            value = default
        if value is _REQUIRED:
            message = f"{self.path}.{key}: missing"
            raise ObservatoryError(message)
        return value

    def _typed(self, key: str, default: Any, accepted: tuple[type, ...], name: str) -> Any:
        value = self._get(key, default)
        if not isinstance(value, accepted) or (isinstance(value, bool) and bool not in accepted):
            message = f"{self.path}.{key}: expected {name}, got {value!r}"
            raise ObservatoryError(message)
        return value

    def text(self, key: str, default: str = _REQUIRED) -> str:
        return str(self._typed(key, default, (str,), "a text"))

    def optional_text(self, key: str) -> str | None:
        return None if self.value.get(key) is None else self.text(key)

    def number(self, key: str, default: float = _REQUIRED) -> float:
        return float(self._typed(key, default, (int, float), "a number"))

    def integer(self, key: str, default: int = _REQUIRED) -> int:
        return int(self._typed(key, default, (int, float), "a whole number"))

    def flag(self, key: str, *, default: bool = True) -> bool:
        return bool(self._typed(key, default, (bool,), "true or false"))

    def schema(self, key: str) -> Mapping[str, Any]:
        return dict(self._typed(key, {}, (Mapping,), "an object"))

    def node(self, key: str) -> _Node:
        return _Node(self._get(key, _REQUIRED), f"{self.path}.{key}")

    def each(self, key: str, decode: Callable[[_Node], T]) -> tuple[T, ...]:
        items = self._typed(key, [], (list, tuple), "a list")
        return tuple(decode(_Node(item, f"{self.path}.{key}[{index}]")) for index, item in enumerate(items))


def decode_sites(results: Sequence[Mapping[str, Any]]) -> tuple[Site, ...]:
    """The sites of an answer's `results`.

    Raises:
        ObservatoryError: Something is missing or of the wrong type; the message says where.
    """
    return tuple(_site(_Node(site, f"results[{index}]")) for index, site in enumerate(results))


def _site(node: _Node) -> Site:
    code = node.text("code")
    active = node.flag("active")
    elevation_m = node.number("elevation", 0.0)
    return Site(
        code=code,
        name=node.text("name", ""),
        active=active,
        timezone=node.integer("timezone", 0),
        tz=node.text("tz", "Etc/UTC"),
        restart=node.text("restart", "00:00:00"),
        latitude_deg=node.number("lat", 0.0),
        longitude_deg=node.number("long", 0.0),
        elevation_m=elevation_m,
        enclosures=node.each("enclosure_set", lambda child: _enclosure(child, code, elevation_m, active=active)),
    )


def _enclosure(node: _Node, site: str, elevation_m: float, *, active: bool) -> Enclosure:
    code = node.text("code")
    own_active = node.flag("active")
    in_service = active and own_active
    return Enclosure(
        code=code,
        name=node.text("name", ""),
        active=own_active,
        site=site,
        telescopes=node.each(
            "telescope_set", lambda child: _telescope(child, (site, code), elevation_m, in_service=in_service)
        ),
    )


def _telescope(node: _Node, place: tuple[str, str], elevation_m: float, *, in_service: bool) -> Telescope:
    code = node.text("code")
    active = node.flag("active")
    telescope = Telescope(
        code=code,
        name=node.text("name", ""),
        active=active,
        in_service=in_service and active,
        site=place[0],
        enclosure=place[1],
        aperture_m=node.number("aperture", 0.0),
        latitude_deg=node.number("lat"),
        longitude_deg=node.number("long"),
        elevation_m=elevation_m,
        horizon_deg=node.number("horizon"),
        ha_limit_neg_h=node.number("ha_limit_neg"),
        ha_limit_pos_h=node.number("ha_limit_pos"),
        zenith_blind_spot_deg=node.number("zenith_blind_spot", 0.0),
        slew_rate_s_per_arcsec=node.number("slew_rate", 0.0),
        minimum_slew_overhead_s=node.number("minimum_slew_overhead", 0.0),
        maximum_slew_overhead_s=node.number("maximum_slew_overhead", 0.0),
        instrument_change_overhead_s=node.number("instrument_change_overhead", 0.0),
        instruments=node.each("instrument_set", lambda child: _instrument(child, (*place, code))),
    )
    try:
        riseset_site(telescope)
    except riseset.InvalidSite as error:
        message = f"{node.path}: {error}"
        raise ObservatoryError(message) from error
    return telescope


def _instrument(node: _Node, place: tuple[str, str, str]) -> Instrument:
    state = node.text("state")
    if state not in InstrumentState.__members__:
        message = f"{node.path}.state: expected one of {', '.join(InstrumentState)}, got {state!r}"
        raise ObservatoryError(message)
    site, enclosure, telescope = place
    return Instrument(
        code=node.text("code"),
        state=InstrumentState(state),
        type=_instrument_type(node.node("instrument_type")),
        science_cameras=node.each("science_cameras", _camera),
        autoguider_camera=_camera(node.node("autoguider_camera")) if node.value.get("autoguider_camera") else None,
        site=site,
        enclosure=enclosure,
        telescope=telescope,
    )


def _camera(node: _Node) -> Camera:
    kind = node.node("camera_type")
    return Camera(
        code=node.text("code"),
        camera_type=CameraType(
            code=kind.text("code", ""),
            name=kind.text("name", ""),
            size=kind.text("size", ""),
            pixel_scale_arcsec=kind.number("pscale", 0.0),
            pixels_x=kind.integer("pixels_x", 0),
            pixels_y=kind.integer("pixels_y", 0),
            max_rois=kind.integer("max_rois", 0),
        ),
        orientation_deg=node.number("orientation", 0.0),
        optical_element_groups=node.each("optical_element_groups", _optical_element_group),
        host=node.text("host", ""),
    )


def _optical_element_group(node: _Node) -> OpticalElementGroup:
    return OpticalElementGroup(
        type=node.text("type"),
        name=node.text("name", ""),
        default=node.text("default", ""),
        element_change_overhead_s=node.number("element_change_overhead", 0.0),
        elements=node.each(
            "optical_elements",
            lambda child: OpticalElement(
                code=child.text("code"),
                name=child.text("name", ""),
                schedulable=child.flag("schedulable"),
                raw=dict(child.value),
            ),
        ),
    )


def _instrument_type(node: _Node) -> InstrumentType:
    groups = node.each("mode_types", _mode_group)
    configuration_types = node.each("configuration_types", _configuration_type)
    return InstrumentType(
        code=node.text("code").upper(),
        name=node.text("name", ""),
        category=node.optional_text("instrument_category"),
        fixed_overhead_per_exposure_s=node.number("fixed_overhead_per_exposure"),
        observation_front_padding_s=node.number("observation_front_padding"),
        config_front_padding_s=node.number("config_front_padding", 0.0),
        acquire_exposure_time_s=node.number("acquire_exposure_time", 0.0),
        default_configuration_type=node.optional_text("default_configuration_type"),
        default_acceptability_threshold=node.number("default_acceptability_threshold", 90.0),
        allow_self_guiding=node.flag("allow_self_guiding"),
        mode_groups={group.type: group for group in groups},
        configuration_types={kind.code: kind for kind in configuration_types},
        validation_schema=node.schema("validation_schema"),
    )


def _mode_group(node: _Node) -> ModeGroup:
    return ModeGroup(
        type=node.text("type"),
        default=node.text("default", ""),
        modes=node.each(
            "modes",
            lambda child: Mode(
                code=child.text("code"),
                name=child.text("name", ""),
                overhead_s=child.number("overhead", 0.0),
                schedulable=child.flag("schedulable"),
                validation_schema=child.schema("validation_schema"),
            ),
        ),
        raw=dict(node.value),
    )


def _configuration_type(node: _Node) -> ConfigurationType:
    return ConfigurationType(
        code=node.text("code"),
        name=node.text("name", ""),
        schedulable=node.flag("schedulable"),
        force_acquisition_off=node.flag("force_acquisition_off", default=False),
        requires_optical_elements=node.flag("requires_optical_elements"),
        config_change_overhead_s=node.number("config_change_overhead", 0.0),
        validation_schema=node.schema("validation_schema"),
        raw=dict(node.value),
    )
