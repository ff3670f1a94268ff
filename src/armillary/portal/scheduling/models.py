from __future__ import annotations

from typing import ClassVar

from django.db import models

from armillary.portal.requestgroups.models import Request


class SchedulerLease(models.Model):
    """Who may publish plans, until when, and how its last run went; one row."""

    name = models.CharField(max_length=20, unique=True)
    holder = models.CharField(max_length=200, default="", blank=True)
    fence = models.BigIntegerField(default=0)
    """Grows whenever the lease changes hands; a publication with an older one is refused."""
    expires = models.DateTimeField()
    state = models.CharField(max_length=40, default="", blank=True)
    sentence = models.TextField(default="", blank=True)
    run = models.CharField(max_length=100, default="", blank=True)
    """Name of the last run's document at the scheduler."""
    run_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "armillary_portal"

    def __str__(self) -> str:
        return f"{self.holder} until {self.expires}"


class SchedulerReason(models.Model):
    """What the scheduler last said about a request: where it is scheduled, or why it is not."""

    request = models.OneToOneField(Request, on_delete=models.CASCADE, primary_key=True, related_name="scheduler_reason")
    run = models.CharField(max_length=100)
    at = models.DateTimeField()
    status = models.CharField(max_length=40, db_index=True)
    document = models.JSONField()

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["request"]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.status}"
