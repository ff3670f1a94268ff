from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class User(AbstractUser):
    """A person, or a service that acts in its own name."""

    class Meta(AbstractUser.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="email_is_unique",
                condition=~Q(email=""),
                violation_error_message="User with this email already exists",
            )
        ]


class Profile(models.Model):
    """What an observatory knows about a person beyond the account."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    institution = models.CharField(max_length=200, blank=True, default="")
    title = models.CharField(max_length=200, blank=True, default="")
    education_user = models.BooleanField(default=False)
    notifications_enabled = models.BooleanField(default=False, help_text="mail about every finished request")
    notifications_on_authored_only = models.BooleanField(default=False, help_text="... but only about own ones")
    simple_interface = models.BooleanField(default=False)
    view_authored_requests_only = models.BooleanField(default=False)
    staff_view = models.BooleanField(default=False, help_text="staff only: see everything")
    terms_accepted = models.DateTimeField(null=True, blank=True)
    awaits_activation = models.BooleanField(default=False, help_text="registered; the link was not followed yet")
    password_expiration = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="profiles_created"
    )

    def __str__(self) -> str:
        return f"profile of {self.user_id}"


class ApiToken(models.Model):
    """A key that stands for a person in the header ``Authorization: Token``.

    Each person has at most one ``WIRE`` token: the one that the profile shows, so it must be readable again and is
    kept encrypted. ``NAMED`` tokens are shown once and only their hash is kept. ``PORTAL`` tokens belong to a portal
    elsewhere, which has told us about them.
    """

    class Kind(models.TextChoices):
        """Where a token comes from and how it is kept."""

        WIRE = "WIRE"
        NAMED = "NAMED"
        PORTAL = "PORTAL"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    name = models.CharField(max_length=100, blank=True, default="")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key")
    sealed = models.TextField(blank=True, default="", help_text="the key, encrypted; empty if it is shown only once")
    scopes = models.JSONField(default=list, help_text="empty: everything the person may do")
    created = models.DateTimeField()
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(kind="WIRE"), name="one_wire_token_per_user"),
            models.UniqueConstraint(fields=["user"], condition=Q(kind="PORTAL"), name="one_portal_token_per_user"),
            models.UniqueConstraint(fields=["user", "name"], condition=Q(kind="NAMED"), name="token_name_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} token of {self.user_id}"


class AuditEntry(models.Model):
    """Something that a privileged person did."""

    at = models.DateTimeField()
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="audit_entries")
    actor_name = models.CharField(max_length=150, blank=True, default="", help_text="survives the account")
    action = models.CharField(max_length=64, help_text="noun.verb")
    subject = models.CharField(max_length=255)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["action", "at"], name="audit_by_action")]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.subject}"
