"""What frames can be searched by. Names in capitals are those of FITS headers, which older clients send."""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from django_filters.fields import MultipleChoiceField

from armillary import clock
from armillary.archive.models import Frame, SearchableWord, Thumbnail
from armillary.archive.queries.configuration_types import is_known_type, usual_types
from armillary.archive.queries.sky import covering, intersecting
from armillary.archive.queries.visibility import restricted_to_private
from armillary.archive.sky.polygons import InvalidRegion
from armillary.archive.sky.resolver import UnknownName, resolve
from armillary.archive.sky.words import cone_around, region_from_text
from armillary.archive.words import folded
from armillary.configuration import configuration
from armillary.core.frames import SCIENCE_CONFIGURATION_TYPES, Viewer

_MODIFIED_JULIAN_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)
_WORD: Final = re.compile(r"word\.([A-Za-z0-9_\-]{1,80})(?:\.(min|max))?")
_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})
_CONE_HINT: Final = "give ra, dec and radius (or name and radius), in degrees"


class TypesField(MultipleChoiceField):
    """Kinds of frames."""

    def valid_value(self, value: str) -> bool:
        """Whether frames can be of this kind."""
        return is_known_type(value)


class TypesFilter(django_filters.MultipleChoiceFilter):
    """Filters by kinds of frames."""

    field_class = TypesField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            field_name="configuration_type", choices=lambda: [(code, code) for code in usual_types()], **kwargs
        )


class RegionField(forms.CharField):
    """A region in well-known text."""

    def to_python(self, value: Any) -> Any:
        """The region.

        Raises:
            ValidationError: It is not one; a 400, never a 500.
        """
        text = super().to_python(value)
        if not text:
            return None
        try:
            return region_from_text(text)
        except InvalidRegion as error:
            raise ValidationError(str(error)) from error


class RegionFilter(django_filters.Filter):
    """Filters by a region of the sky."""

    field_class = RegionField


class FrameFilter(django_filters.FilterSet):
    """The query parameters of ``GET /frames/``."""

    start = django_filters.IsoDateTimeFilter(field_name="observation_date", lookup_expr="gte")
    end = django_filters.IsoDateTimeFilter(field_name="observation_date", lookup_expr="lte")
    dayobs = django_filters.DateFilter(field_name="observation_day")
    DAY_OBS = django_filters.DateFilter(field_name="observation_day")
    observation_day = django_filters.DateFilter()
    DATE_OBS = django_filters.IsoDateTimeFilter(field_name="observation_date")
    L1PUBDAT = django_filters.IsoDateTimeFilter(field_name="public_date")
    basename = django_filters.CharFilter(method="filter_part")
    basename_exact = django_filters.CharFilter(field_name="basename")
    target_name = django_filters.CharFilter(method="filter_folded")
    target_name_exact = django_filters.CharFilter(method="filter_folded")
    OBJECT = django_filters.CharFilter(field_name="target_name", method="filter_part")
    empty_target_name = django_filters.CharFilter(method="filter_empty_target_name")
    exposure_time = django_filters.NumberFilter(lookup_expr="gte")
    EXPTIME = django_filters.NumberFilter(field_name="exposure_time", lookup_expr="gte")
    exposure_time_max = django_filters.NumberFilter(field_name="exposure_time", lookup_expr="lte")
    mjd_min = django_filters.NumberFilter(method="filter_modified_julian_date")
    mjd_max = django_filters.NumberFilter(method="filter_modified_julian_date")
    airmass_min = django_filters.NumberFilter(method="filter_header_number")
    airmass_max = django_filters.NumberFilter(method="filter_header_number")
    seeing_min = django_filters.NumberFilter(method="filter_header_number")
    seeing_max = django_filters.NumberFilter(method="filter_header_number")
    proposal_id = django_filters.CharFilter()
    PROPID = django_filters.CharFilter(field_name="proposal_id")
    configuration_type = django_filters.CharFilter()
    OBSTYPE = django_filters.CharFilter(field_name="configuration_type")
    instrument_id = django_filters.CharFilter()
    INSTRUME = django_filters.CharFilter(field_name="instrument_id")
    site_id = django_filters.CharFilter()
    SITEID = django_filters.CharFilter(field_name="site_id")
    telescope_id = django_filters.CharFilter()
    TELID = django_filters.CharFilter(field_name="telescope_id")
    primary_optical_element = django_filters.CharFilter()
    FILTER = django_filters.CharFilter(field_name="primary_optical_element")
    observation_id = django_filters.NumberFilter()
    BLKUID = django_filters.NumberFilter(field_name="observation_id")
    request_id = django_filters.NumberFilter()
    REQNUM = django_filters.NumberFilter(field_name="request_id")
    reduction_level = django_filters.NumberFilter()
    RLEVEL = django_filters.NumberFilter(field_name="reduction_level")
    exclude_configuration_type = TypesFilter(exclude=True)
    exclude_OBSTYPE = TypesFilter(exclude=True)  # noqa: N815  the name on the wire
    include_configuration_type = TypesFilter()
    exclude_calibrations = django_filters.CharFilter(method="filter_calibrations", label="true or false")
    submitter = django_filters.CharFilter(method="filter_submitter")
    public = django_filters.CharFilter(method="filter_public", label="true or false")
    covers = RegionFilter(method="filter_covers")
    intersects = RegionFilter(method="filter_intersects")
    ra = django_filters.NumberFilter(method="filter_later", label="degrees")
    dec = django_filters.NumberFilter(method="filter_later", label="degrees")
    radius = django_filters.NumberFilter(method="filter_later", label="degrees")
    name = django_filters.CharFilter(method="filter_later", label="an object's name, looked up")

    class Meta:
        model = Frame
        fields: tuple[str, ...] = ()

    def __init__(
        self,
        data: QueryDict | Mapping[str, Any],
        *args: Any,
        who: Viewer | None = None,
        is_anonymous: bool = True,
        **kwargs: Any,
    ) -> None:
        # The library copies every filter for each request, which takes longer than to search by the one that is given.
        self.base_filters = OrderedDict((name, item) for name, item in self.base_filters.items() if name in data)
        super().__init__(data if isinstance(data, QueryDict) else dict(data), *args, **kwargs)
        self._who = who or Viewer()
        self._is_anonymous = is_anonymous

    def filter_queryset(self, queryset: QuerySet[Frame]) -> QuerySet[Frame]:
        """Apply everything, with the filters that need several parameters at the end."""
        frames: QuerySet[Frame] = super().filter_queryset(queryset)
        return self._in_cone(self._with_words(frames))

    def filter_folded(self, frames: QuerySet[Frame], name: str, value: str) -> QuerySet[Frame]:
        """By target, ignoring accents."""
        if name == "target_name_exact":
            return frames.filter(target_name=folded(value))
        return _containing(frames, "target_name", folded(value))

    def filter_part(self, frames: QuerySet[Frame], name: str, value: str) -> QuerySet[Frame]:
        """By a part of a name, in upper or lower case."""
        return _containing(frames, name, value)

    def filter_empty_target_name(self, frames: QuerySet[Frame], name: str, value: str) -> QuerySet[Frame]:
        """Only frames of no target."""
        del name, value
        return frames.filter(target_name="")

    def filter_modified_julian_date(self, frames: QuerySet[Frame], name: str, value: Any) -> QuerySet[Frame]:
        """By modified Julian date (UTC), ends included."""
        try:
            moment = _MODIFIED_JULIAN_EPOCH + timedelta(days=float(value))
        except OverflowError as error:
            raise _refused(name, f"{value} is not a modified Julian date") from error
        return frames.filter(**{f"observation_date__{'gte' if name == 'mjd_min' else 'lte'}": moment})

    def filter_header_number(self, frames: QuerySet[Frame], name: str, value: Any) -> QuerySet[Frame]:
        """By airmass or seeing, ends included."""
        quantity, _, side = name.partition("_")
        keyword = {"airmass": "AIRMASS", "seeing": "L1FWHM"}[quantity]
        return _having(frames, keyword, **{f"number__{'gte' if side == 'min' else 'lte'}": float(value)})

    def filter_calibrations(self, frames: QuerySet[Frame], name: str, value: str) -> QuerySet[Frame]:
        """Only frames of science."""
        return frames.filter(configuration_type__in=SCIENCE_CONFIGURATION_TYPES) if _truth(name, value) else frames

    def filter_submitter(self, frames: QuerySet[Frame], name: str, value: str) -> QuerySet[Frame]:
        """By who submitted the request."""
        del name
        return _having(frames, "USERID", text=folded(value))

    def filter_public(self, frames: QuerySet[Frame], name: str, value: str) -> QuerySet[Frame]:
        """``false`` leaves a member's own frames."""
        if _truth(name, value):
            return frames
        return restricted_to_private(frames, self._who, is_anonymous=self._is_anonymous, now=clock.now())

    def filter_covers(self, frames: QuerySet[Frame], name: str, value: Any) -> QuerySet[Frame]:
        """Footprints that contain a region."""
        del name
        return covering(frames, value)

    def filter_intersects(self, frames: QuerySet[Frame], name: str, value: Any) -> QuerySet[Frame]:
        """Footprints that touch a region."""
        del name
        return intersecting(frames, value)

    def filter_later(self, frames: QuerySet[Frame], name: str, value: Any) -> QuerySet[Frame]:
        """One of several parameters that mean something only together."""
        del name, value
        return frames

    def _in_cone(self, frames: QuerySet[Frame]) -> QuerySet[Frame]:
        data = self.form.cleaned_data
        name = data.get("name")
        numbers = [data.get(part) for part in ("ra", "dec", "radius")]
        if not name and all(number is None for number in numbers):
            return frames
        if name:
            try:
                place = resolve(name)
            except UnknownName as error:
                raise _refused("name", str(error)) from error
            numbers = [place.ra_deg, place.dec_deg, numbers[2] or 0.0]
        if any(number is None for number in numbers):
            raise _refused("radius", _CONE_HINT)
        try:
            return intersecting(frames, cone_around(*(float(number) for number in numbers if number is not None)))
        except InvalidRegion as error:
            raise _refused("radius", str(error)) from error

    def _with_words(self, frames: QuerySet[Frame]) -> QuerySet[Frame]:
        """``word.KEYWORD=``, ``word.KEYWORD.min=`` and ``.max=`` search declared header keywords."""
        given: Mapping[str, Any] = self.data or {}
        for parameter in given:
            if not parameter.startswith("word."):
                continue
            found, value = _WORD.fullmatch(parameter), str(given[parameter])
            known = configuration().archive_searchable_keywords
            if found is None or found[1] not in known:
                raise _refused(parameter, f"frames can be searched by these header keywords: {', '.join(known)}")
            frames = _having(frames, found[1], **_word_condition(parameter, found[2], value))
        return frames


class ThumbnailFilter(django_filters.FilterSet):
    """The query parameters of ``GET /thumbnails/``."""

    frame_basename = django_filters.CharFilter(field_name="frame__basename")
    proposal_id = django_filters.CharFilter(field_name="frame__proposal_id")
    observation_id = django_filters.NumberFilter(field_name="frame__observation_id")
    request_id = django_filters.NumberFilter(field_name="frame__request_id")
    size = django_filters.CharFilter()

    class Meta:
        model = Thumbnail
        fields = ("size",)


def _word_condition(parameter: str, side: str | None, value: str) -> dict[str, Any]:
    number = _number(value)
    if side is None:
        return {"text": folded(value)} if number is None else {"number": number}
    if number is None:
        raise _refused(parameter, "Enter a number.")
    return {f"number__{'gte' if side == 'min' else 'lte'}": number}


def _truth(name: str, value: str) -> bool:
    lowered = value.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise _refused(name, "Enter true or false.")


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _containing(frames: QuerySet[Frame], column: str, part: str) -> QuerySet[Frame]:
    """The part may be anywhere, so every name is looked at: in the index of names alone, not in the rows."""
    return frames.filter(pk__in=Frame.objects.filter(**{f"{column}__icontains": part}).order_by().values("pk"))


def _having(frames: QuerySet[Frame], keyword: str, **condition: Any) -> QuerySet[Frame]:
    return frames.filter(pk__in=SearchableWord.objects.filter(keyword=keyword, **condition).values("frame"))


def _refused(field: str, message: str) -> ValidationError:
    return ValidationError({field: [message]})
