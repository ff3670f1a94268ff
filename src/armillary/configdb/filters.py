"""Query parameters of the lists: exact and case-sensitive; an empty value or an unknown name filters nothing."""

from __future__ import annotations

from typing import Any

import django_filters

from armillary.configdb.models import (
    Camera,
    CameraType,
    Enclosure,
    GenericMode,
    Instrument,
    InstrumentType,
    OpticalElement,
    OpticalElementGroup,
    Site,
    Telescope,
)


class SiteFilter(django_filters.FilterSet):
    """By name or code."""

    class Meta:
        model = Site
        fields = ("name", "code")


class EnclosureFilter(django_filters.FilterSet):
    """By name, code, or the id of the site."""

    class Meta:
        model = Enclosure
        fields = ("name", "code", "site")


class TelescopeFilter(django_filters.FilterSet):
    """By name, code, exact numbers, or the id of the enclosure."""

    class Meta:
        model = Telescope
        fields = ("name", "code", "lat", "long", "horizon", "aperture", "enclosure")


class InstrumentFilter(django_filters.FilterSet):
    """By codes of where it is and what it is; cameras by id."""

    telescope = django_filters.CharFilter(field_name="telescope__code", help_text="Code of the telescope")
    enclosure = django_filters.CharFilter(field_name="telescope__enclosure__code", help_text="Code of the enclosure")
    site = django_filters.CharFilter(field_name="telescope__enclosure__site__code", help_text="Code of the site")
    instrument_type = django_filters.CharFilter(field_name="instrument_type__code", help_text="Code of the type")
    camera_type = django_filters.CharFilter(
        field_name="science_cameras__camera_type__code", distinct=True, help_text="Code of a science camera's type"
    )
    state = django_filters.MultipleChoiceFilter(choices=Instrument.State.choices, help_text="Repeat for one or another")
    science_cameras = django_filters.ModelMultipleChoiceFilter(
        queryset=Camera.objects.all(), help_text="Ids; repeat for one or another"
    )
    ordering = django_filters.OrderingFilter(
        fields=(
            ("id", "id"),
            ("code", "code"),
            ("state", "state"),
            ("telescope", "telescope"),
            ("instrument_type", "instrument_type"),
            ("autoguider_camera", "autoguider_camera"),
        )
    )

    class Meta:
        model = Instrument
        fields = (
            "telescope",
            "enclosure",
            "site",
            "instrument_type",
            "camera_type",
            "state",
            "science_cameras",
            "autoguider_camera",
        )

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(_without_unknown_orderings(data), *args, **kwargs)


def _without_unknown_orderings(data: Any) -> Any:
    """The reference ignores an ordering it does not know."""
    if data is None or not data.get("ordering"):
        return data
    known = {"id", "code", "state", "telescope", "instrument_type", "autoguider_camera"}
    kept = [name for name in data["ordering"].split(",") if name.strip().removeprefix("-") in known]
    copy = data.copy()
    copy["ordering"] = ",".join(kept)
    return copy


class CameraFilter(django_filters.FilterSet):
    """By code, or the id of the camera type."""

    class Meta:
        model = Camera
        fields = ("code", "camera_type")


class CameraTypeFilter(django_filters.FilterSet):
    """By name or exact pixel scale."""

    class Meta:
        model = CameraType
        fields = ("name", "pscale")


class InstrumentTypeFilter(django_filters.FilterSet):
    """By name, code or category."""

    instrument_category = django_filters.CharFilter(
        field_name="instrument_category__code", help_text="Code of the category"
    )

    class Meta:
        model = InstrumentType
        fields = ("name", "code", "instrument_category")


class OpticalElementGroupFilter(django_filters.FilterSet):
    """By name, type, or the ids of elements (repeat for one or another)."""

    class Meta:
        model = OpticalElementGroup
        fields = ("name", "type", "optical_elements")


class OpticalElementFilter(django_filters.FilterSet):
    """By id, name, code, or whether requests may use it."""

    class Meta:
        model = OpticalElement
        fields = ("id", "name", "code", "schedulable")


class GenericModeFilter(django_filters.FilterSet):
    """By name, code, or whether requests may use it."""

    class Meta:
        model = GenericMode
        fields = ("name", "code", "schedulable")
