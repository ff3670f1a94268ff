"""Which calls are open, who may see which application, and what panels think."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from armillary.accounts.models import User
from armillary.accounts.permissions import sees_everything
from armillary.portal.calls.models import (
    Call,
    ConflictOfInterest,
    ReviewPanel,
    ReviewPanelMembership,
    ScienceApplication,
    ScienceApplicationReview,
    ScienceApplicationUserReview,
)
from armillary.portal.calls.rules import CallFacts
from armillary.portal.proposals.models import ScienceCollaborationAllocation, Semester

DEFAULT_COLLABORATION = "ARMILLARY"
_OF_SEVERAL_SEMESTERS = (Call.ProposalType.SCI, Call.ProposalType.KEY)


def open_calls(moment: datetime) -> QuerySet[Call]:
    """The calls that can be answered now."""
    return Call.objects.filter(opens__lte=moment, deadline__gte=moment)


def visible_calls(user: User) -> QuerySet[Call]:
    """All calls; those to collaborations only for who administers one, or decides about calls."""
    rows = Call.objects.select_related("semester").prefetch_related("instruments")
    if user.is_staff or ScienceCollaborationAllocation.objects.filter(admin=user).exists():
        return rows
    return rows.exclude(proposal_type=Call.ProposalType.COLAB)


def eligible_semesters(calls: Sequence[Call], moment: datetime) -> dict[int, list[str]]:
    """The semesters that an answer to each call may ask for time in: one query for all of them."""
    future = list(Semester.objects.filter(start__gt=moment).order_by("start").values_list("pk", flat=True))
    return {
        call.pk: list(future) if call.proposal_type in _OF_SEVERAL_SEMESTERS else [call.semester_id] for call in calls
    }


def facts_of(call: Call, moment: datetime) -> CallFacts:
    """What the rules need to know of a call."""
    instruments = frozenset(call.instruments.values_list("pk", flat=True))
    return CallFacts(eligible_semesters([call], moment)[call.pk], instruments)


def visible_applications(user: User) -> QuerySet[ScienceApplication]:
    """A person's own applications, or all for staff that sees everything."""
    rows = ScienceApplication.objects.select_related("call", "submitter__profile").prefetch_related(
        "timerequest_set__instrument_types", "coinvestigator_set"
    )
    return rows if sees_everything(user) else rows.filter(submitter=user)


def unassigned_applications() -> QuerySet[ScienceApplication]:
    """Submitted applications that no panel reviews yet, oldest first."""
    rows = ScienceApplication.objects.select_related("call", "submitter__profile").prefetch_related(
        "timerequest_set__instrument_types", "coinvestigator_set"
    )
    waiting = rows.filter(status=ScienceApplication.Status.SUBMITTED, scienceapplicationreview__isnull=True)
    return waiting.order_by("pk")


def collaboration_of(user: User) -> ScienceCollaborationAllocation:
    """Whose time a person's applications ask for: their own collaboration's, or the observatory's."""
    return collaborations_of([user.pk])[user.pk]


def collaborations_of(users: Collection[int]) -> dict[int, ScienceCollaborationAllocation]:
    """The collaborations of people's applications: two queries for all of them.

    The observatory's own is ``LCO`` where data were taken over from OCS, which names it so.
    """
    rows = ScienceCollaborationAllocation.objects.filter(Q(admin__in=users) | Q(pk__in=("LCO", DEFAULT_COLLABORATION)))
    by_name = {row.pk: row for row in rows}
    own = by_name.get("LCO") or by_name.get(DEFAULT_COLLABORATION)
    own = own or ScienceCollaborationAllocation(pk=DEFAULT_COLLABORATION, name=DEFAULT_COLLABORATION)
    by_admin = {row.admin_id: row for row in rows if row.admin_id is not None}
    return {user: by_admin.get(user, own) for user in users}


def time_asked_by_telescope(user: User, calls: Sequence[Call], names: dict[str, str]) -> dict[int, dict[str, int]]:
    """Hours that a collaboration has asked for in calls, by call and telescope.

    Args:
        user: Who administers the collaboration.
        calls: The calls.
        names: Names of telescopes by code of the instrument type.
    """
    found: dict[int, dict[str, int]] = {call.pk: defaultdict(int) for call in calls}
    rows = ScienceApplication.objects.filter(submitter=user, call__in=calls).exclude(
        status=ScienceApplication.Status.REJECTED
    )
    for application in rows.prefetch_related("timerequest_set__instrument_types"):
        for wish in application.timerequest_set.all():
            hours = wish.std_time + wish.rr_time + wish.tc_time
            for name in {names.get(instrument.code, "") for instrument in wish.instrument_types.all()}:
                found[application.call_id][name] += hours
    return {call: dict(hours) for call, hours in found.items()}


# --- Reviews


def panels_of(user: User) -> QuerySet[ReviewPanel]:
    """The panels that a person sits on."""
    return ReviewPanel.objects.filter(reviewpanelmembership__user=user)


def sits_on(user: User, panel_id: int) -> bool:
    """Whether a person is a member of a panel."""
    return ReviewPanelMembership.objects.filter(user=user, review_panel_id=panel_id).exists()


def is_panel_administrator(user: User) -> bool:
    """Whether a person sits on the administrators' panel."""
    return panels_of(user).filter(is_admin=True).exists()


def visible_reviews(user: User) -> QuerySet[ScienceApplicationReview]:
    """Reviews by a person's panels (all of them for the administrators' panel), but none of their own applications."""
    rows = ScienceApplicationReview.objects.select_related(
        "science_application__call", "science_application__submitter", "review_panel"
    ).prefetch_related(
        "scienceapplicationuserreview_set__reviewer", "science_application__timerequest_set__instrument_types"
    )
    if not is_panel_administrator(user):
        rows = rows.filter(review_panel__in=panels_of(user))
    abstains = ConflictOfInterest.objects.filter(science_application_review=OuterRef("pk"), reviewer=user)
    rows = rows.exclude(Exists(abstains)).exclude(science_application__submitter=user)
    if user.email:
        application = ScienceApplication.objects.filter(pk=OuterRef("science_application_id"))
        party = application.filter(Q(pi__iexact=user.email) | Q(coinvestigator__email__iexact=user.email))
        rows = rows.exclude(Exists(party))
    return rows


def has_conflict(review: ScienceApplicationReview, user: User) -> bool:
    """Whether a person has a stake in an application, by its people or by their own word."""
    application = review.science_application
    if application.submitter_id == user.pk:
        return True
    addresses = {application.pi.casefold()} | {
        address.casefold() for address in application.coinvestigator_set.values_list("email", flat=True)
    }
    if user.email and user.email.casefold() in addresses:
        return True
    return ConflictOfInterest.objects.filter(science_application_review_id=review.pk, reviewer=user).exists()


def panel_sizes(reviews: Sequence[ScienceApplicationReview]) -> dict[int, int]:
    """How many members are to review each application: those of its panel who do not abstain; two queries."""
    panels = {review.review_panel_id for review in reviews}
    members = ReviewPanelMembership.objects.filter(review_panel__in=panels).order_by().values_list("review_panel")
    sizes = dict(members.annotate(number=Count("pk")))
    conflicts = ConflictOfInterest.objects.filter(science_application_review__in=reviews).order_by()
    abstaining = dict(conflicts.values_list("science_application_review").annotate(number=Count("pk")))
    return {review.pk: sizes.get(review.review_panel_id, 0) - abstaining.get(review.pk, 0) for review in reviews}


def visible_user_reviews(user: User) -> QuerySet[ScienceApplicationUserReview]:
    """What a person wrote about applications."""
    return ScienceApplicationUserReview.objects.filter(reviewer=user).select_related(
        "science_application_review__science_application__call"
    )


def ranking(semester: str | None = None) -> list[ScienceApplicationReview]:
    """Reviews by mean grade, best (lowest number) first; those without a grade last."""
    rows = ScienceApplicationReview.objects.select_related("science_application__call", "review_panel")
    if semester is not None:
        rows = rows.filter(science_application__call__semester_id=semester)
    return sorted(rows, key=lambda row: (row.mean_grade is None, row.mean_grade or 0, row.pk))
