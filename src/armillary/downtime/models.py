from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords


class Downtime(models.Model):
    """A stretch of time in which a telescope, or one kind of instrument on it, cannot be used; half-open."""

    start = models.DateTimeField(db_index=True)
    end = models.DateTimeField(db_index=True)
    site = models.CharField(max_length=3)
    enclosure = models.CharField(max_length=200)
    telescope = models.CharField(max_length=200)
    instrument_type = models.CharField(max_length=255, default="", blank=True, help_text="Empty: the whole telescope")
    reason = models.CharField(max_length=3000, default="", blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    series = models.UUIDField(
        null=True, blank=True, db_index=True, help_text="What was declared together: repetitions, telescopes of a site"
    )
    created = models.DateTimeField()
    modified = models.DateTimeField()

    history: ClassVar[HistoryManager] = HistoricalRecords(
        history_change_reason_field=models.TextField(blank=True, default="")
    )

    class Meta:
        ordering = ("created", "id")
        indexes = [models.Index(fields=["site", "enclosure", "telescope", "end"])]
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="downtime_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        return f"{self.telescope_key} from {self.start:%Y-%m-%d %H:%M} UTC"

    @property
    def telescope_key(self) -> str:
        """``site.enclosure.telescope``."""
        return f"{self.site}.{self.enclosure}.{self.telescope}"
