from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from armillary.portal.proposals.models import Proposal


class Channel(models.TextChoices):
    """How somebody is told."""

    MAIL = "MAIL", "by mail"
    WEBHOOK = "WEBHOOK", "by a call of my webhook"
    NONE = "NONE", "not at all"


class Rhythm(models.TextChoices):
    """How often somebody is told by mail."""

    AT_ONCE = "AT_ONCE", "at once"
    DAILY = "DAILY", "once a day"
    WEEKLY = "WEEKLY", "once a week"


class NotificationPreference(models.Model):
    """How a person wants to be told about one proposal, or, without a proposal, about all others."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, null=True, blank=True)
    channel = models.CharField(max_length=7, choices=Channel.choices, default=Channel.MAIL)
    rhythm = models.CharField(max_length=7, choices=Rhythm.choices, default=Rhythm.AT_ONCE)
    webhook_url = models.URLField(max_length=500, default="", blank=True)

    class Meta:
        app_label = "armillary_portal"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "proposal"], name="portal_preference_once_per_proposal"),
            models.UniqueConstraint(
                fields=["user"], condition=Q(proposal__isnull=True), name="portal_one_default_preference"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} about {self.proposal_id or 'everything'}: {self.channel} {self.rhythm}"


class Notice(models.Model):
    """Something that a person is to be told later: in a digest, or by a call of their webhook."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, null=True, blank=True)
    kind = models.CharField(max_length=64)
    """What it is about, ``noun.verb``."""
    subject = models.CharField(max_length=500)
    body = models.TextField()
    channel = models.CharField(max_length=7, choices=Channel.choices)
    webhook_url = models.URLField(max_length=500, default="", blank=True)
    created = models.DateTimeField()
    due = models.DateTimeField()
    delivered = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(default="", blank=True)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["due"], name="portal_notice_waiting", condition=Q(delivered__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user_id}"


class ToldOnce(models.Model):
    """An occasion of which people were told, so that they are not told again."""

    key = models.CharField(max_length=255, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"

    def __str__(self) -> str:
        return self.key
