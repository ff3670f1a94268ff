from __future__ import annotations

from django.db import models

from armillary.configdb.models.resource import RecordedHistory, Resource
from armillary.configdb.models.validators import NOT_NEGATIVE, between, validate_code, validate_group_type


class OpticalElement(Resource):
    """Something that can be put into the beam: a filter, a slit, a grating."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=200, unique=True, help_text="What requests call it")
    schedulable = models.BooleanField(
        default=True, help_text="Whether requests may use it; direct submissions always may"
    )

    history = RecordedHistory()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.code


class OpticalElementPlace(models.Model):
    """One element's place in a group."""

    opticalelementgroup = models.ForeignKey("armillary_configdb.OpticalElementGroup", on_delete=models.CASCADE)
    opticalelement = models.ForeignKey(OpticalElement, on_delete=models.PROTECT)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        verbose_name = "optical element in a group"
        verbose_name_plural = "optical elements in a group"
        constraints = [
            models.UniqueConstraint(
                fields=["opticalelementgroup", "opticalelement"], name="configdb_element_once_in_group"
            )
        ]

    def __str__(self) -> str:
        return f"{self.opticalelement} in {self.opticalelementgroup}"


class OpticalElementGroup(Resource):
    """Elements of one kind, of which one is in the beam at a time: a filter wheel, a slit plate."""

    MEMBERS = ("optical_elements",)

    name = models.CharField(max_length=200)
    type = models.CharField(
        max_length=200, validators=[validate_group_type], help_text="Plural: filters, slits, gratings"
    )
    default = models.ForeignKey(
        OpticalElement, on_delete=models.PROTECT, null=True, blank=True, related_name="default_of_groups"
    )
    optical_elements = models.ManyToManyField(
        OpticalElement, through=OpticalElementPlace, related_name="groups", blank=True
    )
    element_change_overhead = models.FloatField(
        default=0.0, validators=NOT_NEGATIVE, help_text="Seconds to bring another element into the beam"
    )

    history = RecordedHistory(members=MEMBERS)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"


class CameraType(Resource):
    """A detector model."""

    name = models.CharField(max_length=200, unique=True)
    code = models.CharField(max_length=200)
    size = models.CharField(max_length=200, help_text="Field of view in arcminutes, such as 26.5 x 26.5")
    pscale = models.FloatField("pixel scale", validators=NOT_NEGATIVE, help_text="Arcseconds per pixel")
    pixels_x = models.IntegerField(default=0, validators=NOT_NEGATIVE)
    pixels_y = models.IntegerField(default=0, validators=NOT_NEGATIVE)
    max_rois = models.IntegerField(
        "largest number of regions of interest",
        default=0,
        validators=NOT_NEGATIVE,
        help_text="0: the detector has none",
    )

    history = RecordedHistory()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name


class CameraOptics(models.Model):
    """One optical element group in front of a camera."""

    camera = models.ForeignKey("armillary_configdb.Camera", on_delete=models.CASCADE)
    opticalelementgroup = models.ForeignKey(OpticalElementGroup, on_delete=models.PROTECT)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        verbose_name = "optical element group of a camera"
        verbose_name_plural = "optical element groups of a camera"
        constraints = [
            models.UniqueConstraint(fields=["camera", "opticalelementgroup"], name="configdb_group_once_at_camera")
        ]

    def __str__(self) -> str:
        return f"{self.opticalelementgroup} at {self.camera}"


class Camera(Resource):
    """A detector with what can be put in front of it."""

    MEMBERS = ("optical_element_groups",)

    camera_type = models.ForeignKey(CameraType, on_delete=models.PROTECT)
    code = models.CharField(max_length=200, unique=True, validators=[validate_code])
    orientation = models.FloatField(
        default=0.0, validators=between(0, 360), help_text="Degrees, counter-clockwise from north"
    )
    optical_element_groups = models.ManyToManyField(
        OpticalElementGroup, through=CameraOptics, related_name="cameras", blank=True
    )
    host = models.CharField(max_length=200, default="", blank=True, help_text="Computer that runs it")

    history = RecordedHistory(members=MEMBERS)

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code
