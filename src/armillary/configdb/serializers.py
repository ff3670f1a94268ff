"""The wire's shape: what may be written, and (for the OpenAPI document) what is read.

Answers are rendered by :mod:`armillary.configdb.queries.equipment`; a test holds both to the same keys.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.fields import Field

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


class ResourceSerializer(serializers.ModelSerializer[Any]):
    """Parses a body; a thing's full name is shown as ``__str__`` where the wire has it."""

    named = False
    needed = ""
    """What says which thing is meant; not even a PATCH can do without it in a nested entry."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse a nested entry that does not say what it is about."""
        values = super().to_internal_value(data)
        if self.needed and self.needed not in values:
            raise serializers.ValidationError({self.needed: ["This field is required."]})
        return values

    def get_fields(self) -> dict[str, Field[Any, Any, Any, Any]]:
        """The declared fields, and the name."""
        fields = super().get_fields()
        if self.named:
            fields["__str__"] = serializers.CharField(read_only=True)
        return fields


def by_id(model: type[Resource], source: str, *, many: bool = False, required: bool = True) -> Any:
    """A relation that is written as an id, or a list of ids."""
    return serializers.PrimaryKeyRelatedField(
        queryset=model._default_manager.all(),  # noqa: SLF001  Django's public name of the manager
        source=source,
        write_only=True,
        many=many,
        required=required,
    )


class OpticalElementSerializer(ResourceSerializer):
    """A filter, slit or grating."""

    class Meta:
        model = OpticalElement
        fields = ("id", "name", "code", "schedulable")


class NestedOpticalElementSerializer(OpticalElementSerializer):
    """An element named by its code inside a group; it is made if there is none of that code."""

    needed = "code"
    code = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=200, required=False)


class OpticalElementGroupSerializer(ResourceSerializer):
    """A group with its elements, named by id, or nested by code."""

    optical_elements = NestedOpticalElementSerializer(many=True, required=False)
    optical_element_ids = by_id(OpticalElement, "optical_elements_by_id", many=True, required=False)
    default = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, help_text="Code of a member; empty for none"
    )

    class Meta:
        model = OpticalElementGroup
        fields = (
            "id",
            "name",
            "type",
            "optical_elements",
            "optical_element_ids",
            "element_change_overhead",
            "default",
        )


class CameraTypeSerializer(ResourceSerializer):
    """A detector model."""

    class Meta:
        model = CameraType
        fields = ("id", "size", "pscale", "name", "code", "pixels_x", "pixels_y", "max_rois")


class CameraSerializer(ResourceSerializer):
    """A camera; what is in front of it is named by id."""

    camera_type = CameraTypeSerializer(read_only=True)
    camera_type_id = by_id(CameraType, "camera_type")
    optical_elements = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Element codes joined with commas, by group type"
    )
    optical_element_groups = OpticalElementGroupSerializer(many=True, read_only=True)
    optical_element_group_ids = by_id(OpticalElementGroup, "optical_element_groups", many=True)

    class Meta:
        model = Camera
        fields = (
            "id",
            "code",
            "camera_type",
            "camera_type_id",
            "orientation",
            "optical_elements",
            "optical_element_groups",
            "optical_element_group_ids",
            "host",
        )


class GenericModeSerializer(ResourceSerializer):
    """A mode."""

    validation_schema = serializers.DictField(required=False, help_text="Cerberus rules; {} for none")

    class Meta:
        model = GenericMode
        fields = ("id", "name", "overhead", "code", "schedulable", "validation_schema")


class NestedModeSerializer(GenericModeSerializer):
    """A mode inside a group: found by all that is said of it, or made."""

    needed = "code"
    name = serializers.CharField(max_length=200, required=False)


class GenericModeGroupSerializer(ResourceSerializer):
    """The modes of one kind, named by id, or nested."""

    instrument_type = serializers.PrimaryKeyRelatedField(queryset=InstrumentType.objects.all(), write_only=True)
    modes = NestedModeSerializer(many=True, required=False)
    mode_ids = by_id(GenericMode, "modes_by_id", many=True, required=False)
    default = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, help_text="Code of a member; empty for none"
    )

    class Meta:
        model = GenericModeGroup
        fields = ("id", "type", "instrument_type", "modes", "mode_ids", "default")


class ConfigurationTypeSerializer(ResourceSerializer):
    """A kind of work."""

    class Meta:
        model = ConfigurationType
        fields = ("name", "code")


class InstrumentCategorySerializer(ResourceSerializer):
    """A family of instruments."""

    class Meta:
        model = InstrumentCategory
        fields = ("code",)


class ModeTypeSerializer(ResourceSerializer):
    """What modes are about."""

    class Meta:
        model = ModeType
        fields = ("id",)


_PROPERTIES = (
    "config_change_overhead",
    "schedulable",
    "force_acquisition_off",
    "requires_optical_elements",
    "validation_schema",
)


class ConfigurationTypePropertiesSerializer(ResourceSerializer):
    """How an instrument type does a kind of work, as a resource of its own."""

    validation_schema = serializers.DictField(required=False, help_text="Cerberus rules; {} for none")

    class Meta:
        model = ConfigurationTypeProperties
        fields = ("id", "configuration_type", "instrument_type", *_PROPERTIES)


class NestedConfigurationTypeSerializer(ResourceSerializer):
    """A configuration type in an instrument type, named by ``configuration_type`` or, as it is read, by ``code``."""

    needed = "configuration_type"
    name = serializers.CharField(read_only=True)
    code = serializers.CharField(source="configuration_type_id", read_only=True)
    configuration_type = serializers.PrimaryKeyRelatedField(
        queryset=ConfigurationType.objects.all(), write_only=True, help_text="Code of the configuration type"
    )
    validation_schema = serializers.DictField(required=False, help_text="Cerberus rules; {} for none")

    class Meta:
        model = ConfigurationTypeProperties
        fields = ("name", "code", "configuration_type", *_PROPERTIES)

    def to_internal_value(self, data: Any) -> Any:
        """Accept what was read."""
        if isinstance(data, dict) and "configuration_type" not in data and "code" in data:
            data = data | {"configuration_type": data["code"]}
        return super().to_internal_value(data)


class InstrumentTypeSerializer(ResourceSerializer):
    """An instrument type; its configuration types may be written nested."""

    instrument_category = serializers.PrimaryKeyRelatedField(
        queryset=InstrumentCategory.objects.all(), required=False, allow_null=True
    )
    default_configuration_type = serializers.PrimaryKeyRelatedField(
        queryset=ConfigurationType.objects.all(), required=False, allow_null=True
    )
    mode_types = GenericModeGroupSerializer(many=True, read_only=True, help_text="Written as generic mode groups")
    configuration_types = NestedConfigurationTypeSerializer(many=True, required=False)
    validation_schema = serializers.DictField(required=False, help_text="Cerberus rules; {} for none")

    class Meta:
        model = InstrumentType
        fields = (
            "id",
            "name",
            "code",
            "fixed_overhead_per_exposure",
            "instrument_category",
            "observation_front_padding",
            "acquire_exposure_time",
            "default_configuration_type",
            "mode_types",
            "default_acceptability_threshold",
            "config_front_padding",
            "allow_self_guiding",
            "configuration_types",
            "validation_schema",
        )


class InstrumentSerializer(ResourceSerializer):
    """An instrument; cameras, telescope and type are named by id."""

    named = True
    state = serializers.ChoiceField(choices=Instrument.State.choices)
    telescope = serializers.URLField(read_only=True)
    telescope_id = by_id(Telescope, "telescope")
    autoguider_camera = CameraSerializer(read_only=True)
    autoguider_camera_id = by_id(Camera, "autoguider_camera")
    autoguider_type = serializers.ChoiceField(
        choices=Instrument.AutoguiderType.choices, required=False, help_text="Shown when it is not OffAxis"
    )
    science_cameras = CameraSerializer(many=True, read_only=True)
    science_cameras_ids = by_id(Camera, "science_cameras", many=True)
    instrument_type = InstrumentTypeSerializer(read_only=True)
    instrument_type_id = by_id(InstrumentType, "instrument_type")

    class Meta:
        model = Instrument
        fields = (
            "id",
            "code",
            "state",
            "telescope",
            "telescope_id",
            "autoguider_camera",
            "autoguider_camera_id",
            "autoguider_type",
            "science_cameras",
            "science_cameras_ids",
            "instrument_type",
            "instrument_type_id",
        )


class TelescopeSerializer(ResourceSerializer):
    """A telescope; its enclosure is named by id."""

    named = True
    enclosure = serializers.URLField(read_only=True)
    enclosure_id = by_id(Enclosure, "enclosure")
    instrument_set = InstrumentSerializer(many=True, read_only=True)

    class Meta:
        model = Telescope
        fields = (
            "id",
            "serial_number",
            "name",
            "code",
            "active",
            "aperture",
            "lat",
            "slew_rate",
            "minimum_slew_overhead",
            "maximum_slew_overhead",
            "instrument_change_overhead",
            "long",
            "enclosure",
            "enclosure_id",
            "horizon",
            "ha_limit_pos",
            "ha_limit_neg",
            "telescope_front_padding",
            "zenith_blind_spot",
            "instrument_set",
        )


class EnclosureSerializer(ResourceSerializer):
    """An enclosure; its site is named by id."""

    named = True
    site = serializers.URLField(read_only=True)
    site_id = by_id(Site, "site")
    telescope_set = TelescopeSerializer(many=True, read_only=True)

    class Meta:
        model = Enclosure
        fields = ("id", "name", "code", "active", "site", "site_id", "telescope_set")


class SiteSerializer(ResourceSerializer):
    """A site."""

    named = True
    enclosure_set = EnclosureSerializer(many=True, read_only=True)

    class Meta:
        model = Site
        fields = (
            "id",
            "name",
            "code",
            "active",
            "timezone",
            "restart",
            "tz",
            "lat",
            "long",
            "elevation",
            "enclosure_set",
        )
