from __future__ import annotations

from typing import Final

from django.db import models


class Change(models.Model):
    """One line of the append-only change feed: something of a kind, named by a key, is no longer what it was.

    Readers follow the order of (``transaction``, ``id``), see :mod:`armillary.platform.changes`.
    """

    id = models.BigAutoField(primary_key=True)
    transaction = models.BigIntegerField(help_text="PostgreSQL's transaction id of the writer; 0 on SQLite")
    kind = models.CharField(max_length=64, help_text="noun.verb, for example observation.created")
    key = models.CharField(max_length=255, help_text="the thing's public identifier")
    payload = models.JSONField(default=dict)
    created = models.DateTimeField(help_text="observatory time")

    class Meta:
        ordering = ["transaction", "id"]
        indexes = [models.Index(fields=["transaction", "id"], name="change_feed_order")]

    def __str__(self) -> str:
        return f"{self.cursor} {self.kind} {self.key}"

    @property
    def cursor(self) -> str:
        """Where in the feed this line stands; opaque to readers."""
        return f"{self.transaction}-{self.id}"


class PeriodicJob(models.Model):
    """When a periodic job last began and when it is due again; moved by compare-and-swap."""

    name = models.CharField(max_length=128, primary_key=True)
    due = models.DateTimeField(help_text="observatory time; whoever moves this forward runs the job")
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    error = models.TextField(default="", help_text="why the last run failed; empty if it did not")

    def __str__(self) -> str:
        return self.name


class WorkerProcess(models.Model):
    """A worker and the last sign of life it gave, by the database's own (real) clock."""

    id = models.CharField(max_length=64, primary_key=True)
    seen = models.DateTimeField(help_text="real time, not observatory time")

    def __str__(self) -> str:
        return self.id


class OutboxMail(models.Model):
    """A mail that was promised in some transaction, and what has become of it."""

    class State(models.TextChoices):
        """What has become of a mail."""

        QUEUED = "QUEUED"
        SENDING = "SENDING"
        SENT = "SENT"
        FAILED = "FAILED"

    key = models.CharField(max_length=255, null=True, unique=True, help_text="at most one mail per key")  # noqa: DJ001  many mails have no key, and NULLs do not collide
    message_id = models.CharField(max_length=255, unique=True, help_text="the same on every attempt")
    to = models.JSONField(help_text="list of addresses")
    subject = models.CharField(max_length=500)
    body = models.TextField()
    html = models.TextField(default="", blank=True)
    unsubscribe_url = models.URLField(max_length=500, default="", blank=True, help_text="for List-Unsubscribe")
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    due = models.DateTimeField(help_text="observatory time of the next attempt")
    error = models.TextField(default="", blank=True)
    created = models.DateTimeField()
    sent = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["due"], name="outbox_pending", condition=models.Q(state__in=("QUEUED", "SENDING")))
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.subject}"


class IdempotencyKey(models.Model):
    """What became of a request that its sender may repeat (header ``Idempotency-Key``)."""

    LONGEST_KEY: Final = 255

    scope = models.CharField(max_length=320, help_text="caller, method and address")
    key = models.CharField(max_length=LONGEST_KEY)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the request's body")
    effect = models.CharField(max_length=320, default="", help_text="what the request changed, once that is committed")
    status = models.PositiveSmallIntegerField(null=True, help_text="status of the answer, once there is one")
    answer = models.JSONField(null=True)
    created = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_is_unique")]
        indexes = [models.Index(fields=["created"], name="idempotency_created")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
