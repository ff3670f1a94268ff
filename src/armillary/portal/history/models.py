from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class StateTransition(models.Model):
    """One change of the state of one thing; only ever appended."""

    class Subject(models.TextChoices):
        """What can have a state."""

        REQUEST_GROUP = "request_group"
        REQUEST = "request"
        OBSERVATION = "observation"
        CONFIGURATION_STATUS = "configuration_status"

    subject = models.CharField(max_length=20, choices=Subject.choices)
    subject_id = models.BigIntegerField()
    old = models.CharField(max_length=40)
    """Empty when the thing came into being."""
    new = models.CharField(max_length=40)
    at = models.DateTimeField()
    cause = models.CharField(max_length=200)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["subject", "subject_id"], name="portal_transition_subject")]

    def __str__(self) -> str:
        return f"{self.subject} {self.subject_id}: {self.old} to {self.new}"
