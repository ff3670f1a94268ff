"""A request's tree is stored for how it is read.

Rows hold what is filtered, joined or changes on its own; one document holds all that was asked for and never changes.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from armillary.core.requests.states import State
from armillary.portal.proposals.models import Proposal

_STATES = [(state.value, state.value) for state in State]


class RequestGroup(models.Model):
    """Requests that were submitted together."""

    submitter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE)
    name = models.CharField(max_length=50)
    observation_type = models.CharField(max_length=40)
    operator = models.CharField(max_length=20)
    ipp_value = models.FloatField()
    state = models.CharField(max_length=40, choices=_STATES, default=State.PENDING.value)
    created = models.DateTimeField(db_index=True)
    modified = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["-created"]
        indexes: ClassVar = [models.Index(fields=["state", "observation_type"], name="portal_group_state")]

    def __str__(self) -> str:
        return f"{self.pk} {self.name}"


class Request(models.Model):
    """One thing to observe, in one visit to one telescope."""

    request_group = models.ForeignKey(RequestGroup, on_delete=models.CASCADE, related_name="requests")
    state = models.CharField(max_length=40, choices=_STATES, default=State.PENDING.value)
    suspend_until = models.DateTimeField(null=True, blank=True)
    acceptability_threshold = models.FloatField(default=90.0)
    configuration_repeats = models.PositiveIntegerField(default=1)
    telescope_class = models.CharField(max_length=20, default="", blank=True)
    site = models.CharField(max_length=20, default="", blank=True)
    enclosure = models.CharField(max_length=20, default="", blank=True)
    telescope = models.CharField(max_length=20, default="", blank=True)
    duration_s = models.PositiveIntegerField(default=0)
    durations = models.JSONField(default=dict)
    """Unrounded seconds by instrument type; what the time account is asked for."""
    observatory_version = models.CharField(max_length=100, default="", blank=True)
    """Version of the observatory's configuration that the durations were computed with."""
    first_start = models.DateTimeField(null=True, blank=True)
    last_end = models.DateTimeField(null=True, blank=True)
    """Span of all windows; null for direct and real-time observations."""
    created = models.DateTimeField()
    modified = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["state", "last_end"], name="portal_request_expiry")]

    def __str__(self) -> str:
        return str(self.pk)


class RequestDocument(models.Model):
    """What was asked for, with every default filled in, in wire names: JSON text, written once.

    Text and not a JSON column: it is never queried, PostgreSQL would reorder its keys, and it can be served as it is.
    """

    request = models.OneToOneField(Request, on_delete=models.CASCADE, primary_key=True, related_name="document")
    content = models.TextField()

    class Meta:
        app_label = "armillary_portal"

    def __str__(self) -> str:
        return f"document of request {self.pk}"


class Window(models.Model):
    """When a request may be observed."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="windows")
    start = models.DateTimeField(db_index=True)
    end = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%M:%SZ} to {self.end:%Y-%m-%dT%H:%M:%SZ}"


class Configuration(models.Model):
    """One pointing of one instrument; what is filtered by and reported on, its settings are in the document."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="configurations")
    priority = models.PositiveIntegerField()
    instrument_type = models.CharField(max_length=255, db_index=True)
    type = models.CharField(max_length=50)
    target_name = models.CharField(max_length=255, default="", blank=True)
    right_ascension_deg = models.FloatField(null=True, blank=True)
    """Of an ICRS target; null otherwise."""
    duration_s = models.FloatField(default=0.0)
    """With its own padding, without overheads between configurations."""
    requested_s = models.FloatField(default=0.0)
    """Exposure time asked for in total, or the repeat duration."""
    repeats = models.BooleanField(default=False)
    """Whether exposures are repeated for ``requested_s`` of wall time."""

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.pk} {self.type} {self.instrument_type}"


class RequestActivity(models.Model):
    """Something happened that a scheduler of this class of telescopes should know; only ever appended."""

    telescope_class = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"
        indexes: ClassVar = [
            models.Index(fields=["telescope_class", "-at"], name="portal_activity_class"),
            models.Index(fields=["-at"], name="portal_activity_at"),
        ]

    def __str__(self) -> str:
        return f"{self.telescope_class} at {self.at:%Y-%m-%dT%H:%M:%SZ}"


class DraftRequestGroup(models.Model):
    """A request group that is still being written."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE)
    title = models.CharField(max_length=50)
    content = models.TextField()
    created = models.DateTimeField()
    modified = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["-modified"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["author", "proposal", "title"], name="portal_draft_once"),
        ]

    def __str__(self) -> str:
        return self.title
