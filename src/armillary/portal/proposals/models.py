from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from armillary.core.proposals.ledger import Account, Kind


def empty_list() -> list[str]:
    """The default of a JSON column that holds a list of words."""
    return []


class Semester(models.Model):
    """A span of time for which observing time is allocated."""

    id = models.CharField(max_length=20, primary_key=True)
    start = models.DateTimeField()
    end = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["-start", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(end__gt=models.F("start")), name="portal_semester_not_reversed")
        ]

    def __str__(self) -> str:
        return self.id


class ScienceCollaborationAllocation(models.Model):
    """A partner of the observatory that distributes time of its own."""

    id = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=255, default="", blank=True)
    admin = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        app_label = "armillary_portal"

    def __str__(self) -> str:
        return self.id


class CollaborationAllocation(models.Model):
    """Hours of a collaboration on a kind of telescope."""

    sca = models.ForeignKey(ScienceCollaborationAllocation, on_delete=models.CASCADE)
    telescope_name = models.CharField(max_length=255)
    allocation = models.FloatField(default=0.0)

    class Meta:
        app_label = "armillary_portal"

    def __str__(self) -> str:
        return f"{self.sca_id} on {self.telescope_name}"


class Proposal(models.Model):
    """A programme of observations, with people and time."""

    id = models.CharField(max_length=255, primary_key=True)
    active = models.BooleanField(default=True)
    title = models.CharField(max_length=255, default="", blank=True)
    abstract = models.TextField(default="", blank=True)
    tac_priority = models.PositiveIntegerField(default=0)
    tac_rank = models.PositiveIntegerField(default=0)
    sca = models.ForeignKey(ScienceCollaborationAllocation, on_delete=models.PROTECT)
    public = models.BooleanField(default=False)
    non_science = models.BooleanField(default=False)
    direct_submission = models.BooleanField(default=False)
    users = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="proposals")
    tags = models.JSONField(default=empty_list, blank=True)
    notes = models.TextField(default="", blank=True)
    created = models.DateTimeField()
    modified = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["title"]

    def __str__(self) -> str:
        return self.id


class TimeAllocation(models.Model):
    """A proposal's share of a semester on a set of instrument types. How much it is, the ledger says."""

    semester = models.ForeignKey(Semester, on_delete=models.PROTECT)
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE)
    instrument_types = models.JSONField(default=empty_list)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["-semester_id", "id"]

    def __str__(self) -> str:
        return f"{self.proposal_id} {self.semester_id} {','.join(self.instrument_types)}"


class LedgerEntry(models.Model):
    """One line of the ledger of observing time; never changed, never deleted while its allocation lives."""

    allocation = models.ForeignKey(TimeAllocation, on_delete=models.CASCADE, related_name="entries")
    account = models.CharField(max_length=10, choices=[(item.value, item.value) for item in Account])
    kind = models.CharField(max_length=10, choices=[(item.value, item.value) for item in Kind])
    amount_us = models.BigIntegerField()
    reason = models.CharField(max_length=200)
    configuration_status = models.BigIntegerField(null=True, blank=True)
    """The executed configuration that this pays for."""
    request = models.BigIntegerField(null=True, blank=True)
    observation = models.BigIntegerField(null=True, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["allocation", "account", "kind"], name="portal_ledger_balance"),
            models.Index(fields=["configuration_status"], name="portal_ledger_configuration"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.kind} {self.amount_us} us: {self.reason}"


class Membership(models.Model):
    """A person's part in a proposal."""

    class Role(models.TextChoices):
        """What a member may do."""

        PI = "PI"
        CI = "CI"

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=5, choices=Role.choices)
    time_limit = models.IntegerField(default=-1)
    """Seconds that this member may ask for in a semester; negative: no limit."""

    class Meta:
        app_label = "armillary_portal"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "proposal"], name="portal_membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.proposal_id}"


class ProposalInvite(models.Model):
    """An invitation of somebody who has no account yet."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE)
    role = models.CharField(max_length=5, choices=Membership.Role.choices)
    email = models.EmailField()
    time_limit = models.IntegerField(default=-1)
    sent = models.DateTimeField(null=True, blank=True)
    used = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "armillary_portal"

    def __str__(self) -> str:
        return f"{self.email} to {self.proposal_id}"


class ProposalNotification(models.Model):
    """A person wants to be told about one proposal."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    class Meta:
        app_label = "armillary_portal"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "proposal"], name="portal_notification_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} about {self.proposal_id}"
