"""The shape of what is handed in, and only the shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers

from armillary.archive.queries.configuration_types import is_known_type
from armillary.archive.services.change_frame import FrameChange
from armillary.archive.services.save_frame import NewFrame, NewVersion
from armillary.archive.sky.polygons import InvalidRegion, Polygon, corners_of_geojson, polygon_from_corners
from armillary.archive.words import without_controls
from armillary.core.frames import THUMBNAIL_SIZES

_LARGEST_SMALL: Final = 2**15 - 1
_LARGEST_BIG: Final = 2**63 - 1


class AreaField(serializers.Field[Any, Any, Any, Any]):
    """A GeoJSON polygon or null."""

    def to_internal_value(self, data: Any) -> tuple[dict[str, Any], Polygon]:
        """The polygon as sent, and as it is understood."""
        try:
            corners = corners_of_geojson(data)
        except InvalidRegion as error:
            raise serializers.ValidationError(f"Invalid polygon: {data}") from error
        try:
            polygon = polygon_from_corners(corners)
        except InvalidRegion as error:
            raise serializers.ValidationError(f"Invalid polygon: {error}") from error
        return {"type": "Polygon", "coordinates": [[list(corner) for corner in corners]]}, polygon

    def to_representation(self, value: Any) -> Any:
        """As it is stored."""
        return value


class HeaderField(serializers.Field[Any, Any, Any, Any]):
    """The header of a frame: hundreds of keywords, whose values are taken as they are."""

    default_error_messages = {"not_a_dict": 'Expected a dictionary of items but got type "{input_type}".'}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The keywords, without control characters, which FITS forbids and databases refuse."""
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        return {str(key): without_controls(word) if isinstance(word, str) else word for key, word in data.items()}

    def to_representation(self, value: Any) -> Any:
        """As it is stored."""
        return value


class NewVersionSerializer(serializers.Serializer[NewVersion]):
    """One entry of ``version_set``."""

    key = serializers.CharField(max_length=32)
    md5 = serializers.CharField(max_length=32)
    extension = serializers.CharField(max_length=64, allow_blank=True)


class TypeField(serializers.CharField):
    """A kind of frame."""

    def to_internal_value(self, data: Any) -> str:
        """The kind, if there is such a one."""
        code: str = super().to_internal_value(data)
        if not is_known_type(code):
            raise serializers.ValidationError(f'"{code}" is not a valid choice.', code="invalid_choice")
        return code


class FrameFieldsSerializer(serializers.Serializer[Any]):
    """The columns of a frame."""

    observation_date = serializers.DateTimeField(required=False, allow_null=True)
    observation_day = serializers.DateField(input_formats=["iso-8601", "%Y%m%d"])
    proposal_id = serializers.CharField(max_length=200, allow_blank=True, required=False)
    instrument_id = serializers.CharField(max_length=64, allow_blank=True, required=False)
    target_name = serializers.CharField(max_length=200, allow_blank=True, required=False)
    reduction_level = serializers.IntegerField(min_value=-_LARGEST_SMALL, max_value=_LARGEST_SMALL, required=False)
    site_id = serializers.CharField(max_length=16, allow_blank=True, required=False)
    telescope_id = serializers.CharField(max_length=16, allow_blank=True, required=False)
    exposure_time = serializers.FloatField(required=False, allow_null=True)
    primary_optical_element = serializers.CharField(max_length=100, allow_blank=True, required=False)
    public_date = serializers.DateTimeField(required=False, allow_null=True)
    configuration_type = TypeField(max_length=20)
    observation_id = serializers.IntegerField(min_value=0, max_value=_LARGEST_BIG, required=False, allow_null=True)
    request_id = serializers.IntegerField(min_value=0, max_value=_LARGEST_BIG, required=False, allow_null=True)


_COLUMNS: Final = tuple(FrameFieldsSerializer().get_fields())


class NewFrameSerializer(FrameFieldsSerializer):
    """The body of ``POST /frames/``."""

    basename = serializers.CharField(max_length=1000)
    area = AreaField(allow_null=True)
    headers = HeaderField()
    related_frame_filenames = serializers.ListField(child=serializers.CharField(max_length=1000, allow_blank=True))
    version_set = NewVersionSerializer(many=True)

    def validate_basename(self, value: str) -> str:
        """A basename names a file: it cannot lead anywhere else."""
        if "/" in value or "\\" in value or value.startswith("."):
            raise serializers.ValidationError("A basename is the name of a file up to its first dot, without folders.")
        return value


_NEW_FRAME: Final = NewFrameSerializer()
"""Made once: to make its thirty fields takes longer than to check a frame with them."""


def checked_frame(body: Any) -> NewFrame:
    """What was handed in to be taken in.

    Raises:
        ValidationError: It has not the shape of a frame; says what is wrong with each field.
    """
    return new_frame(_NEW_FRAME.run_validation(body))


def new_frame(data: Mapping[str, Any], *, basename: str | None = None, with_versions: bool = True) -> NewFrame:
    """What was handed in, for the services, from the data that were found valid."""
    area, footprint = data["area"] or (None, None)
    versions = data["version_set"] if with_versions else ()
    return NewFrame(
        basename=basename or data["basename"],
        fields={key: data[key] for key in _COLUMNS if key in data},
        area=area,
        footprint=footprint,
        headers=data["headers"],
        related=data["related_frame_filenames"],
        versions=tuple(NewVersion(**version) for version in versions),
    )


class NewThumbnailSerializer(NewFrameSerializer):
    """The body of ``POST /thumbnails/``: a frame's fields, and whose thumbnail it is."""

    frame_basename = serializers.CharField(max_length=1000)
    size = serializers.ChoiceField(choices=THUMBNAIL_SIZES)

    def validate_version_set(self, value: list[Any]) -> list[Any]:
        """The one version is the picture."""
        if not value:
            raise serializers.ValidationError("A thumbnail has one version: its picture.")
        return value


class ChangedThumbnailSerializer(serializers.Serializer[Any]):
    """The body of ``PATCH`` and ``PUT /thumbnails/ID/``."""

    size = serializers.ChoiceField(choices=THUMBNAIL_SIZES)
    version_set = serializers.ListField(child=NewVersionSerializer(), min_length=1, max_length=1)


class ZipRequestSerializer(serializers.Serializer[Any]):
    """The body of ``POST /frames/zip/``."""

    frame_ids = serializers.ListField(child=serializers.IntegerField(min_value=0, max_value=_LARGEST_BIG))
    uncompress = serializers.BooleanField(required=False, default=False)
    catalog_only = serializers.BooleanField(required=False, default=False)
    manifest = serializers.BooleanField(required=False, default=False)
    auth_token = serializers.CharField(required=False, allow_blank=True)


class ChangedFrameSerializer(NewFrameSerializer):
    """The body of ``PATCH`` and ``PUT /frames/ID/``: what is to be different, and why."""

    reason = serializers.CharField(required=False, allow_blank=True, default="")

    def get_fields(self) -> dict[str, Any]:
        """Contents are not changed: a further version is taken in with ``POST /frames/``."""
        fields = super().get_fields()
        fields.pop("version_set")
        return fields

    def validate_observation_date(self, value: Any) -> Any:
        """A frame without one would vanish from the archive."""
        if value is None:
            raise serializers.ValidationError("This field may not be null.")
        return value

    def change(self) -> FrameChange:
        """What was handed in, for the services."""
        data = self.validated_data
        area, footprint = data.get("area") or (None, None)
        return FrameChange(
            fields={key: data[key] for key in _COLUMNS if key in data},
            headers=data.get("headers"),
            footprint=NewFrame("", {}, area, footprint, {}, (), ()) if "area" in data else None,
            related=tuple(data.get("related_frame_filenames", ())),
        )
