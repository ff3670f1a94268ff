"""What became of a thing of the configuration, with its members."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import models

from armillary.configdb.models import Resource
from armillary.platform.history import Json, Version, plain, versions


def versions_of(model: type[Resource], key: object) -> list[Version]:
    """All versions of a thing, the newest first; also of one that is no more. One query, and one for each relation."""
    records: Any = model.history.filter(**{_key_name(model): key}).select_related("history_user")
    rows = list(records.order_by("history_date", "history_id"))
    members = {name: _members(model, name, [row.pk for row in rows]) for name in model.MEMBERS}
    names = [field.attname for field in model._meta.concrete_fields]  # noqa: SLF001  Django's public metadata

    def fields_of(row: Any, before: Json | None) -> Json:
        fields = {name: plain(getattr(row, name)) for name in names}
        if row.history_type == "-" and before is not None:  # its members had left when it was noted
            return fields | {name: before[name] for name in model.MEMBERS}
        return fields | {name: members[name].get(row.pk, []) for name in model.MEMBERS}

    return versions(rows, fields_of)


def _key_name(model: type[Resource]) -> str:
    return model._meta.pk.attname  # noqa: SLF001  Django's public metadata


def _members(model: type[Resource], name: str, history_ids: list[int]) -> dict[int, list[Any]]:
    """The keys of the members of one relation, by version."""
    relation: Any = model._meta.get_field(name)  # noqa: SLF001  the same
    recorded: Any = model.history_records.m2m_models[relation]
    member = f"{relation.m2m_reverse_field_name()}_id"
    found: dict[int, list[Any]] = defaultdict(list)
    rows: models.QuerySet[Any, Any] = recorded.objects.filter(history_id__in=history_ids).order_by("position", "id")
    for version, each in rows.values_list("history_id", member):
        found[version].append(each)
    return found
