"""Filters that several lists share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import django_filters
from django import forms
from django.db.models import Model, QuerySet

from armillary.portal.moments import read_moment


class _KnownTextField(forms.MultipleChoiceField):
    """Choices that are asked for only when a value must be judged."""

    def __init__(self, *args: Any, known: Callable[[], Collection[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known = known

    def valid_value(self, value: Any) -> bool:
        return str(value) in self._known()


class KnownFilter(django_filters.MultipleChoiceFilter):
    """A repeatable parameter: any of the values, each of which must be known to the observatory now."""

    field_class = _KnownTextField

    def __init__(self, *args: Any, known: Callable[[], Collection[str]], **kwargs: Any) -> None:
        super().__init__(*args, known=known, distinct=False, **kwargs)


class _MomentField(forms.CharField):
    """A date, or a date with a time, in any of the usual spellings; without an offset it is UTC."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return read_moment(text)
        except ValueError as error:
            raise forms.ValidationError("Enter a valid date/time.", code="invalid") from error


class MomentFilter(django_filters.Filter):
    """A moment to compare with."""

    field_class = _MomentField


def ordered(rows: QuerySet[Any], wanted: str | None, allowed: Sequence[str], default: Sequence[str]) -> QuerySet[Any]:
    """Order rows by a comma-separated list of names (``-`` reverses); names that are not allowed are ignored."""
    names = [name.strip() for name in (wanted or "").split(",")]
    return rows.order_by(*([name for name in names if name.lstrip("-") in allowed] or default))


def column_names(model: type[Model]) -> list[str]:
    """The names by which a list of a model's rows can be ordered."""
    return [field.name for field in model._meta.concrete_fields]  # noqa: SLF001  documented API of Django
