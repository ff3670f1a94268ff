from __future__ import annotations

from django.db import models
from django.db.models import Q

from armillary.configdb.models.optics import Camera
from armillary.configdb.models.places import Telescope
from armillary.configdb.models.resource import RecordedHistory, Resource
from armillary.configdb.models.validators import (
    NOT_NEGATIVE,
    between,
    validate_code,
    validate_optional_code,
    validate_schema,
)

_SCHEMA_HELP = "Cerberus rules for the configurations of a request; {} for none"


class ConfigurationType(Resource):
    """A kind of work: EXPOSE, SPECTRUM, ARC."""

    code = models.CharField(max_length=64, primary_key=True, validators=[validate_code])
    name = models.CharField(max_length=200)

    history = RecordedHistory()

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code


class InstrumentCategory(Resource):
    """A family of instruments: IMAGE, SPECTRA."""

    code = models.CharField(max_length=64, primary_key=True, validators=[validate_code])

    history = RecordedHistory()

    class Meta:
        ordering = ("code",)
        verbose_name_plural = "instrument categories"

    def __str__(self) -> str:
        return self.code


class ModeType(Resource):
    """What a mode is about: readout, guiding, acquisition, exposure, rotator, or the observatory's own."""

    id = models.CharField(max_length=200, primary_key=True, validators=[validate_code])

    history = RecordedHistory()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.id


class InstrumentType(Resource):
    """What instruments of one make can do, and how long it takes."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=200, unique=True, help_text="What requests call it")
    instrument_category = models.ForeignKey(InstrumentCategory, on_delete=models.PROTECT, null=True, blank=True)
    fixed_overhead_per_exposure = models.FloatField(
        default=1.0, validators=NOT_NEGATIVE, help_text="Seconds with every exposure, besides the readout"
    )
    observation_front_padding = models.FloatField(
        default=90.0, validators=NOT_NEGATIVE, help_text="Seconds once per observation: first slew and set-up"
    )
    config_front_padding = models.FloatField(
        default=0.0, validators=NOT_NEGATIVE, help_text="Seconds once per configuration"
    )
    acquire_exposure_time = models.FloatField(
        default=0.0, validators=NOT_NEGATIVE, help_text="Seconds; usual exposure of an acquisition"
    )
    default_configuration_type = models.ForeignKey(
        ConfigurationType, on_delete=models.PROTECT, null=True, blank=True, related_name="default_of_instrument_types"
    )
    default_acceptability_threshold = models.FloatField(
        default=90.0, validators=between(0, 100), help_text="Percent of the data with which a request is complete"
    )
    allow_self_guiding = models.BooleanField(default=True, help_text="Whether it may guide with its own detector")
    validation_schema = models.JSONField(default=dict, blank=True, validators=[validate_schema], help_text=_SCHEMA_HELP)

    history = RecordedHistory()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.code


class ConfigurationTypeProperties(Resource):
    """How one instrument type does one kind of work."""

    configuration_type = models.ForeignKey(ConfigurationType, on_delete=models.PROTECT)
    instrument_type = models.ForeignKey(InstrumentType, on_delete=models.CASCADE, related_name="configuration_types")
    config_change_overhead = models.FloatField(
        default=0.0, validators=NOT_NEGATIVE, help_text="Seconds to change to this kind within an observation"
    )
    schedulable = models.BooleanField(default=True, help_text="Whether requests may use it")
    force_acquisition_off = models.BooleanField(default=False)
    requires_optical_elements = models.BooleanField(default=True)
    validation_schema = models.JSONField(default=dict, blank=True, validators=[validate_schema], help_text=_SCHEMA_HELP)

    history = RecordedHistory()

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "configuration type properties"
        constraints = [
            models.UniqueConstraint(
                fields=["configuration_type", "instrument_type"], name="configdb_configuration_type_once"
            )
        ]

    @classmethod
    def resource_name(cls) -> str:
        """A plural already."""
        return "configurationtypeproperties"

    def __str__(self) -> str:
        return f"{self.instrument_type_id} {self.configuration_type_id}"


class GenericMode(Resource):
    """A way to read out, guide, acquire, expose or rotate."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=200, help_text="What requests call it")
    overhead = models.FloatField(default=0.0, validators=NOT_NEGATIVE, help_text="Seconds; the mode type says per what")
    schedulable = models.BooleanField(default=True, help_text="Whether requests may use it")
    validation_schema = models.JSONField(default=dict, blank=True, validators=[validate_schema], help_text=_SCHEMA_HELP)

    history = RecordedHistory()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.code}: {self.name}"


class ModeMembership(models.Model):
    """One mode's place in a mode group."""

    genericmodegroup = models.ForeignKey("armillary_configdb.GenericModeGroup", on_delete=models.CASCADE)
    genericmode = models.ForeignKey(GenericMode, on_delete=models.PROTECT)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        verbose_name = "mode in a group"
        verbose_name_plural = "modes in a group"
        constraints = [
            models.UniqueConstraint(fields=["genericmodegroup", "genericmode"], name="configdb_mode_once_in_group")
        ]

    def __str__(self) -> str:
        return f"{self.genericmode} in {self.genericmodegroup}"


class GenericModeGroup(Resource):
    """The modes of one kind that an instrument type has."""

    MEMBERS = ("modes",)

    instrument_type = models.ForeignKey(InstrumentType, on_delete=models.CASCADE, related_name="mode_types")
    type = models.ForeignKey(ModeType, on_delete=models.PROTECT)
    default = models.ForeignKey(
        GenericMode, on_delete=models.PROTECT, null=True, blank=True, related_name="default_of_groups"
    )
    modes = models.ManyToManyField(GenericMode, through=ModeMembership, related_name="groups", blank=True)

    history = RecordedHistory(members=MEMBERS)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["instrument_type", "type"], name="configdb_one_mode_group_of_a_type")
        ]

    def __str__(self) -> str:
        return f"{self.instrument_type} {self.type_id}"


class ScienceCamera(models.Model):
    """One detector of an instrument."""

    instrument = models.ForeignKey("armillary_configdb.Instrument", on_delete=models.CASCADE)
    camera = models.ForeignKey(Camera, on_delete=models.PROTECT)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        verbose_name = "science camera of an instrument"
        verbose_name_plural = "science cameras of an instrument"
        constraints = [
            models.UniqueConstraint(fields=["instrument", "camera"], name="configdb_camera_once_at_instrument")
        ]

    def __str__(self) -> str:
        return f"{self.camera} at {self.instrument}"


class Instrument(Resource):
    """A camera or spectrograph on a telescope."""

    class State(models.TextChoices):
        """How far it may be used."""

        DISABLED = "DISABLED"
        MANUAL = "MANUAL"
        COMMISSIONING = "COMMISSIONING"
        STANDBY = "STANDBY"
        SCHEDULABLE = "SCHEDULABLE"

    class AutoguiderType(models.TextChoices):
        """Where the light of the guide star is taken from."""

        IN_CAMERA = "InCamera"
        OFF_AXIS = "OffAxis"
        SELF_GUIDE = "SelfGuide"

    MEMBERS = ("science_cameras",)

    instrument_type = models.ForeignKey(InstrumentType, on_delete=models.PROTECT)
    code = models.CharField(max_length=200, default="", blank=True, validators=[validate_optional_code])
    state = models.CharField(max_length=20, choices=State, default=State.DISABLED)
    telescope = models.ForeignKey(Telescope, on_delete=models.PROTECT)
    science_cameras = models.ManyToManyField(Camera, through=ScienceCamera, related_name="instruments", blank=True)
    autoguider_camera = models.ForeignKey(Camera, on_delete=models.PROTECT, related_name="guided_instruments")
    autoguider_type = models.CharField(max_length=20, choices=AutoguiderType, default=AutoguiderType.OFF_AXIS)

    history = RecordedHistory(members=MEMBERS)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["telescope", "code"], condition=~Q(code=""), name="configdb_instrument_code_at_telescope"
            )
        ]

    def __str__(self) -> str:
        return f"{self.telescope}.{self.code}"
