"""Query parameters of the list; an empty value filters nothing, unknown names are ignored."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms

from armillary.downtime.models import Downtime


class _MomentFilter(django_filters.IsoDateTimeFilter):
    def __init__(self, field_name: str, lookup_expr: str) -> None:
        super().__init__(field_name=field_name, lookup_expr=lookup_expr)


class _Codes(forms.Field):
    widget = forms.SelectMultiple

    def clean(self, value: Any) -> list[str]:
        return [each for each in value or () if each]


class _CodesFilter(django_filters.Filter):
    field_class = _Codes

    def filter(self, qs: Any, value: Any) -> Any:
        return qs.filter(**{f"{self.field_name}__in": value}) if value else qs


class DowntimeFilter(django_filters.FilterSet):
    """Intervals inclusive at both ends; the overlap of [a, b] is ``ends_after=a&starts_before=b``."""

    starts_after = _MomentFilter("start", "gte")
    starts_before = _MomentFilter("start", "lte")
    ends_after = _MomentFilter("end", "gte")
    ends_before = _MomentFilter("end", "lte")
    created_after = _MomentFilter("created", "gte")
    created_before = _MomentFilter("created", "lte")
    modified_after = _MomentFilter("modified", "gte")
    modified_before = _MomentFilter("modified", "lte")
    site = _CodesFilter(field_name="site")
    enclosure = _CodesFilter(field_name="enclosure")
    telescope = _CodesFilter(field_name="telescope")
    instrument_type = _CodesFilter(field_name="instrument_type")
    reason = django_filters.CharFilter(lookup_expr="icontains")
    reason_exact = django_filters.CharFilter(field_name="reason")
    order = django_filters.OrderingFilter(fields=("start", "end", "modified", "created"))

    class Meta:
        model = Downtime
        fields: tuple[str, ...] = ()
