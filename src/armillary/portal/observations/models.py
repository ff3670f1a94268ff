from __future__ import annotations

from typing import ClassVar

from django.db import models

from armillary.core.observations.states import ConfigurationState, ObservationState
from armillary.portal.requestgroups.models import Configuration, Request


class Observation(models.Model):
    """A span of one telescope's time that is given to a request.

    No two live ones overlap on a telescope: on PostgreSQL an exclusion constraint says so (migration 0002), on
    SQLite the services check and write in one serialised transaction.
    """

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="observations")
    site = models.CharField(max_length=10)
    enclosure = models.CharField(max_length=10)
    telescope = models.CharField(max_length=10)
    start = models.DateTimeField(db_index=True)
    end = models.DateTimeField(db_index=True)
    priority = models.PositiveIntegerField(default=10)
    state = models.CharField(
        max_length=40,
        choices=[(state.value, state.value) for state in ObservationState],
        default=ObservationState.PENDING.value,
        db_index=True,
    )
    created = models.DateTimeField()
    modified = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["site", "enclosure", "telescope", "state", "end"], name="portal_observation_place")
        ]

    def __str__(self) -> str:
        return f"{self.pk} at {self.site}.{self.enclosure}.{self.telescope}"


class ConfigurationStatus(models.Model):
    """One execution of a configuration by an instrument."""

    configuration = models.ForeignKey(Configuration, on_delete=models.PROTECT, null=True, related_name="statuses")
    observation = models.ForeignKey(Observation, on_delete=models.CASCADE, related_name="configuration_statuses")
    instrument_name = models.CharField(max_length=255, default="", blank=True)
    guide_camera_name = models.CharField(max_length=255, default="", blank=True)
    state = models.CharField(
        max_length=40,
        choices=[(state.value, state.value) for state in ConfigurationState],
        default=ConfigurationState.PENDING.value,
    )
    created = models.DateTimeField()
    modified = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.pk} {self.instrument_name} {self.state}"


class Summary(models.Model):
    """What a telescope reported about an execution."""

    configuration_status = models.OneToOneField(
        ConfigurationStatus, on_delete=models.CASCADE, primary_key=False, related_name="summary"
    )
    start = models.DateTimeField(db_index=True)
    end = models.DateTimeField()
    state = models.CharField(max_length=50)
    reason = models.CharField(max_length=200, default="", blank=True)
    time_completed = models.FloatField()
    """Seconds exposed."""
    events = models.JSONField(default=list, blank=True)
    created = models.DateTimeField()
    modified = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"

    def __str__(self) -> str:
        return f"{self.state}, {self.time_completed:g} s"


class TelescopeSchedule(models.Model):
    """The state of one telescope's schedule: which version it is, and when it last changed."""

    site = models.CharField(max_length=10)
    enclosure = models.CharField(max_length=10)
    telescope = models.CharField(max_length=10)
    version = models.BigIntegerField(default=0)
    scheduled_at = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "enclosure", "telescope"], name="portal_schedule_once"),
        ]

    def __str__(self) -> str:
        return f"{self.site}.{self.enclosure}.{self.telescope} version {self.version}"
