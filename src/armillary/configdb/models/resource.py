from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords


class RecordedHistory(HistoricalRecords):  # type: ignore[misc]  # the library publishes no types
    """History whose lines a service writes, after an object *and its members* have been written.

    The library writes a line when a row is saved; the members of a group are rows of their own that are written
    later, so such a line would show the old ones. Deletions are still noted by the library, because they cascade.
    """

    def __init__(self, *, members: tuple[str, ...] = ()) -> None:
        super().__init__(m2m_fields=members, history_change_reason_field=models.TextField(blank=True, default=""))

    def contribute_to_class(self, cls: type[models.Model], name: str) -> None:
        """Let the class know its history, besides the manager that the library puts there."""
        super().contribute_to_class(cls, name)
        cls.history_records = self  # type: ignore[attr-defined]  # declared on Resource

    def post_save(self, instance: models.Model, created: bool, using: str | None = None, **kwargs: Any) -> None:  # noqa: FBT001  the library's signature
        """Leave it to the service."""


class Resource(models.Model):
    """What all things of the configuration database have in common: a history."""

    history_records: ClassVar[RecordedHistory]
    history: ClassVar[HistoryManager]

    MEMBERS: ClassVar[tuple[str, ...]] = ()
    """Names of the ordered many-to-many relations."""

    class Meta:
        abstract = True

    @classmethod
    def resource_name(cls) -> str:
        """The name in addresses: ``opticalelementgroups``."""
        return f"{cls._meta.model_name}s" if cls._meta.model_name != "instrumentcategory" else "instrumentcategories"

    @classmethod
    def with_key(cls, key: object) -> models.QuerySet[Self]:
        """The object of that primary key, or nothing."""
        return cls._default_manager.filter(pk=key)


class Revision(models.Model):
    """One row whose value changes with every change of the configuration: what ETags are made from."""

    value = models.CharField(max_length=32)
    changed = models.DateTimeField()

    def __str__(self) -> str:
        return self.value
