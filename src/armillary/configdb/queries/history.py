"""What became of a thing: every version of it, who made it, when and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import models

from armillary.configdb.models import Resource

Json = dict[str, Any]
_ACTIONS: Final = {"+": "created", "~": "changed", "-": "deleted"}


@dataclass(frozen=True, slots=True)
class Version:
    """A thing as somebody left it."""

    id: int
    at: datetime
    action: str
    """``created``, ``changed`` or ``deleted``."""
    by: str
    """Who did it; empty for a program, and for accounts that are gone."""
    reason: str
    fields: Json
    """Its values; relations as the keys of what they lead to, members in their order."""
    before: Json | None
    """The values of the version before; ``None`` for the first one."""

    @property
    def changes(self) -> list[Json]:
        """What is another value than before, by field."""
        if self.before is None or self.action == "deleted":
            return []
        return [
            {"field": name, "before": self.before.get(name), "after": value}
            for name, value in self.fields.items()
            if self.before.get(name) != value
        ]


def versions_of(model: type[Resource], key: object) -> list[Version]:
    """All versions of a thing, the newest first; also of one that is no more. One query, and one for each relation."""
    records: Any = model.history.filter(**{_key_name(model): key}).select_related("history_user")
    rows = list(records.order_by("history_date", "history_id"))
    members = {name: _members(model, name, [row.pk for row in rows]) for name in model.MEMBERS}
    found: list[Version] = []
    before: Json | None = None
    for row in rows:
        fields = {name: _plain(row, name) for name in _field_names(model)}
        fields |= {name: members[name].get(row.pk, []) for name in model.MEMBERS}
        if row.history_type == "-" and before is not None:  # its members had left when it was noted
            fields |= {name: before[name] for name in model.MEMBERS}
        found.append(
            Version(
                row.pk,
                row.history_date,
                _ACTIONS[row.history_type],
                row.history_user.get_username() if row.history_user else "",
                row.history_change_reason or "",
                fields,
                before,
            )
        )
        before = fields
    return found[::-1]


def _key_name(model: type[Resource]) -> str:
    return model._meta.pk.attname  # noqa: SLF001  Django's public metadata


def _field_names(model: type[Resource]) -> Iterator[str]:
    return (field.attname for field in model._meta.concrete_fields)  # noqa: SLF001  the same


def _plain(row: Any, name: str) -> Any:
    value = getattr(row, name)
    return value.isoformat() if hasattr(value, "isoformat") else value


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
