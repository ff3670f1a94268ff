"""Versions of things on the wire: what became of a row, who made it so, when and why.

The rows are django-simple-history's; services write who and why with :func:`sign`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from rest_framework import serializers
from rest_framework.request import Request

from armillary import clock

Json = dict[str, Any]
REASON_HEADER: Final = "X-Reason"
"""Why something is changed, kept in its history; what is not ASCII in it is percent-encoded."""
_LONGEST_REASON: Final = 1000
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


def versions(records: Iterable[Any], fields_of: Callable[[Any, Json | None], Json]) -> list[Version]:
    """Versions from rows of history, the newest first.

    Args:
        records: The rows, oldest first, with ``history_user`` at hand.
        fields_of: The values of a row, given those of the row before.
    """
    found: list[Version] = []
    before: Json | None = None
    for row in records:
        fields = fields_of(row, before)
        user = row.history_user
        found.append(
            Version(
                id=row.pk,
                at=row.history_date,
                action=_ACTIONS[row.history_type],
                by=user.get_username() if user else "",
                reason=row.history_change_reason or "",
                fields=fields,
                before=before,
            )
        )
        before = fields
    return found[::-1]


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def sign(thing: Any, user: Any, reason: str) -> None:
    """Say who writes the next rows of history about a thing (also those of its deletion), and why."""
    thing._history_user = user  # noqa: SLF001  the interface of django-simple-history
    thing._history_date = clock.now()  # noqa: SLF001  the same
    thing._change_reason = reason  # noqa: SLF001  the same


def reason_in(request: Request) -> str:
    """Why the sender of a request changes something."""
    return unquote(request.headers.get(REASON_HEADER, ""))[:_LONGEST_REASON]


class VersionSerializer(serializers.Serializer[Version]):
    """One version of a thing; who made it is told to those who are logged in."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.ChoiceField(choices=("created", "changed", "deleted"))
    by = serializers.CharField(help_text="User name; empty for programs, and left out for visitors", required=False)
    reason = serializers.CharField()
    changes = serializers.ListField(
        child=serializers.DictField(), help_text="{field, before, after}; relations as keys of what they lead to"
    )
    values = serializers.DictField(source="fields", help_text="All values of that version")

    def to_representation(self, instance: Version) -> dict[str, Any]:
        """Without the name, for visitors."""
        shown: dict[str, Any] = super().to_representation(instance)
        if not self.context["request"].user.is_authenticated:
            shown.pop("by")
        return shown
