from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Subscription(models.Model):
    """An address to which changes are sent; where in the feed it stands is all that is kept of what was sent."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    url = models.URLField(max_length=500)
    kinds = models.JSONField(default=list, help_text="prefixes of kinds of changes; empty: all of them")
    active = models.BooleanField(default=True)
    cursor = models.CharField(max_length=64, help_text="the last line of the change feed that was sent")
    created = models.DateTimeField()
    due = models.DateTimeField(help_text="observatory time of the next attempt")
    attempts = models.PositiveIntegerField(default=0, help_text="how often the next lines were sent in vain")
    error = models.TextField(default="", blank=True, help_text="why the last attempt failed; empty if it did not")

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["due"], name="portal_subscription_due", condition=models.Q(active=True))
        ]

    def __str__(self) -> str:
        return f"{self.url} of {self.user_id}"
