from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from armillary.portal.proposals.models import Proposal, Semester, empty_list


class Instrument(models.Model):
    """A type of instrument that calls can offer."""

    code = models.CharField(max_length=50)
    display = models.CharField(max_length=50)

    class Meta:
        app_label = "armillary_portal"

    def __str__(self) -> str:
        return self.code


class Call(models.Model):
    """The observatory asks for proposals."""

    class ProposalType(models.TextChoices):
        """What kind of proposals is asked for."""

        SCI = "SCI", "Science"
        DDT = "DDT", "Director's Discretionary Time"
        KEY = "KEY", "Key Project"
        NAOC = "NAOC", "NAOC proposal"
        COLAB = "COLAB", "Science Collaboration Proposal"

    semester = models.ForeignKey(Semester, on_delete=models.PROTECT)
    opens = models.DateTimeField()
    deadline = models.DateTimeField()
    call_url = models.URLField(default="", blank=True)
    instruments = models.ManyToManyField(Instrument, blank=True)
    proposal_type = models.CharField(max_length=5, choices=ProposalType.choices)
    eligibility = models.TextField(default="", blank=True)
    eligibility_short = models.TextField(default="", blank=True)

    class Meta:
        app_label = "armillary_portal"

    def __str__(self) -> str:
        return f"{self.get_proposal_type_display()} call for {self.semester_id}"


class ScienceApplication(models.Model):
    """Somebody asks for observing time."""

    class Status(models.TextChoices):
        """How far an application has come."""

        DRAFT = "DRAFT", "Draft"
        SUBMITTED = "SUBMITTED", "Submitted"
        ACCEPTED = "ACCEPTED", "Accepted"
        REJECTED = "REJECTED", "Rejected"
        PORTED = "PORTED", "Ported"

    title = models.CharField(max_length=200)
    call = models.ForeignKey(Call, on_delete=models.PROTECT)
    submitter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    abstract = models.TextField(default="", blank=True)
    pi = models.EmailField(default="", blank=True)
    pi_first_name = models.CharField(max_length=255, default="", blank=True)
    pi_last_name = models.CharField(max_length=255, default="", blank=True)
    pi_institution = models.CharField(max_length=255, default="", blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    proposal = models.ForeignKey(Proposal, on_delete=models.SET_NULL, null=True, blank=True)
    tac_rank = models.PositiveIntegerField(default=0)
    tac_priority = models.PositiveIntegerField(default=0)
    pdf = models.FileField(max_length=500, null=True, blank=True)
    tags = models.JSONField(default=empty_list, blank=True)
    notes = models.TextField(default="", blank=True)
    created = models.DateTimeField()
    modified = models.DateTimeField()
    submitted = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["submitter", "status"], name="portal_application_of_person")]

    def __str__(self) -> str:
        return self.title


class TimeRequest(models.Model):
    """Hours that an application asks for, in one semester on one set of instrument types."""

    science_application = models.ForeignKey(ScienceApplication, on_delete=models.CASCADE)
    semester = models.ForeignKey(Semester, on_delete=models.PROTECT)
    instrument_types = models.ManyToManyField(Instrument)
    std_time = models.PositiveIntegerField(default=0)
    rr_time = models.PositiveIntegerField(default=0)
    tc_time = models.PositiveIntegerField(default=0)
    approved = models.BooleanField(default=False)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.science_application_id} in {self.semester_id}"


class CoInvestigator(models.Model):
    """Somebody who shall observe with the applicant."""

    science_application = models.ForeignKey(ScienceApplication, on_delete=models.CASCADE)
    email = models.EmailField()
    first_name = models.CharField(max_length=255)
    last_name = models.CharField(max_length=255)
    institution = models.CharField(max_length=255)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["last_name", "first_name", "id"]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}"


class ReviewPanel(models.Model):
    """People who judge applications."""

    name = models.CharField(max_length=128)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="ReviewPanelMembership")
    is_admin = models.BooleanField(default=False)
    """The one panel that sees the reviews of all panels, and may summarize them."""

    class Meta:
        app_label = "armillary_portal"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["is_admin"], condition=Q(is_admin=True), name="portal_one_admin_panel")
        ]

    def __str__(self) -> str:
        return self.name


class ReviewPanelMembership(models.Model):
    """A person sits on a panel."""

    review_panel = models.ForeignKey(ReviewPanel, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    class Meta:
        app_label = "armillary_portal"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["review_panel", "user"], name="portal_panel_membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} sits on {self.review_panel_id}"


class ScienceApplicationReview(models.Model):
    """What a panel thinks of an application."""

    class Category(models.TextChoices):
        """The field of science."""

        EXPLOSIVE_TRANSIENTS = "EXPLOSIVE_TRANSIENTS", "Explosive Transients"
        ACTIVE_GALAXIES = "ACTIVE_GALAXIES", "Active Galaxies"
        STARS_STELLAR_ACTIVITY = "STARS_STELLAR_ACTIVITY", "Stars & Stellar Activity"
        SOLAR_SYSTEM_SMALL_BODIES = "SOLAR_SYSTEM_SMALL_BODIES", "Solar System & Small Bodies"
        MISC = "MISC", "Miscellaneous"
        EXOPLANETS = "EXOPLANETS", "Exoplanets"

    class Status(models.TextChoices):
        """How far the panel has come."""

        AWAITING_REVIEWS = "AWAITING_REVIEWS", "Awaiting Reviews"
        PANEL_DISCUSSION = "PANEL_DISCUSSION", "Panel Discussion"
        ACCEPTED = "ACCEPTED", "Accepted"
        REJECTED = "REJECTED", "Rejected"

    class Priority(models.TextChoices):
        """In which third of the accepted ones it is."""

        BOTTOM = "BOTTOM", "Bottom third"
        MIDDLE = "MIDDLE", "Middle third"
        TOP = "TOP", "Top third"

    science_application = models.OneToOneField(ScienceApplication, on_delete=models.CASCADE)
    review_panel = models.ForeignKey(ReviewPanel, on_delete=models.PROTECT)
    primary_reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews_led_first"
    )
    secondary_reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews_led_second"
    )
    created_at = models.DateTimeField()
    science_category = models.CharField(max_length=255, choices=Category.choices, default=Category.MISC)
    technical_review = models.TextField(default="", blank=True)
    status = models.CharField(max_length=255, choices=Status.choices, default=Status.AWAITING_REVIEWS)
    summary = models.TextField(default="", blank=True)
    secondary_notes = models.TextField(default="", blank=True)
    mean_grade = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    pdf = models.FileField(max_length=500, null=True, blank=True)
    submitter_notified = models.DateTimeField(null=True, blank=True)
    accepted_priority = models.CharField(max_length=255, choices=Priority.choices, default=Priority.BOTTOM)

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"review of {self.science_application_id}"


class ScienceApplicationUserReview(models.Model):
    """What one member of the panel thinks."""

    science_application_review = models.ForeignKey(ScienceApplicationReview, on_delete=models.CASCADE)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    comments = models.TextField(default="", blank=True)
    finished = models.BooleanField(default=False)
    grade = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["science_application_review", "reviewer"], name="portal_user_review_once")
        ]

    def __str__(self) -> str:
        return f"{self.reviewer_id} on {self.science_application_review_id}"


class ConflictOfInterest(models.Model):
    """A member of a panel has no part in the review of one application."""

    science_application_review = models.ForeignKey(ScienceApplicationReview, on_delete=models.CASCADE)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    reason = models.CharField(max_length=500)
    declared = models.DateTimeField()

    class Meta:
        app_label = "armillary_portal"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["science_application_review", "reviewer"], name="portal_conflict_once")
        ]

    def __str__(self) -> str:
        return f"{self.reviewer_id} abstains from {self.science_application_review_id}"
