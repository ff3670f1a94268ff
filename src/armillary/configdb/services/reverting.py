"""Going back to an earlier version; that is a change like any other, and stands in the history as one."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from django.http import Http404

from armillary.configdb.models import Resource
from armillary.configdb.queries.history import versions_of
from armillary.configdb.services.recording import Authorship
from armillary.configdb.services.writing import create, update
from armillary.platform.errors import Refusal
from armillary.platform.history import Version

R = TypeVar("R", bound=Resource)


def revert(model: type[R], key: object, version_id: int, *, by: Authorship) -> R:
    """Make a thing what it was; a deleted one is made again under its old key.

    Args:
        model: What it is.
        key: Its primary key.
        version_id: Which of its versions; for a deletion, what it was just before.
        by: Who does it. Without a reason, the version gone back to is given as one.

    Raises:
        Http404: It has no such version.
        Refusal: Rules forbid it today: something it needs is gone, its code is taken.
    """
    version = next((each for each in versions_of(model, key) if each.id == version_id), None)
    if version is None:
        raise Http404(f"There is no version {version_id} of this {model._meta.verbose_name}.")  # noqa: SLF001  Django's public metadata
    values, members = _values(model, version), _members(model, version)
    reason = by.reason or f"back to the version of {version.at:%Y-%m-%d %H:%M:%S} UTC"
    by = Authorship(by.user, reason)
    if model.with_key(key).exists():
        return update(model, key, values, members=members, by=by)
    return create(model, {_key_field(model).name: key, **values}, members=members, by=by)


def _key_field(model: type[Resource]) -> Any:
    return model._meta.pk  # noqa: SLF001  Django's public metadata


def _values(model: type[Resource], version: Version) -> dict[str, Any]:
    return {
        field.name: _value(field, version.fields[field.attname])
        for field in model._meta.concrete_fields  # noqa: SLF001  the same
        if not field.primary_key
    }


def _value(field: models.Field[Any, Any], value: Any) -> Any:
    """As services take it: a relation as an object, but the default of a group by its code."""
    if value is None or not isinstance(field, models.ForeignKey):
        return field.to_python(value)
    thing = _existing(field.related_model, [value], field.name)[0]  # type: ignore[arg-type]  # all are resources
    return getattr(thing, "code") if field.name == "default" else thing  # noqa: B009  elements and modes have one


def _members(model: type[Resource], version: Version) -> dict[str, list[Resource]]:
    return {
        name: _existing(model._meta.get_field(name).related_model, version.fields[name], name)  # type: ignore[arg-type]  # noqa: SLF001  the same
        for name in model.MEMBERS
    }


def _existing(model: type[Resource], keys: list[Any], field: str) -> list[Resource]:
    found: dict[Any, Resource] = model._default_manager.in_bulk(keys)  # noqa: SLF001  Django's public name of the manager
    gone = [str(key) for key in keys if key not in found]
    if gone:
        kind = model._meta.verbose_name  # noqa: SLF001  the same
        raise Refusal(
            {field: [f"That version needs the {kind} {', '.join(gone)}, which is no more; bring it back first."]}
        )
    return [found[key] for key in keys]
