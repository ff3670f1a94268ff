from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from dateutil.parser import ParserError
from dateutil.parser import parse as parse_date
from django.db.models import Q, QuerySet
from django.utils.timezone import is_naive, make_aware

from armillary.portal.proposals.models import Membership, Proposal, ProposalInvite, Semester


class ProposalFilters(django_filters.FilterSet):
    """Filters of the list of proposals."""

    id = django_filters.ModelMultipleChoiceFilter(field_name="pk", queryset=Proposal.objects.all(), distinct=False)
    semester = django_filters.ModelChoiceFilter(
        queryset=Semester.objects.all(), field_name="timeallocation__semester", distinct=True
    )
    active = django_filters.ChoiceFilter(choices=[("True", "True"), ("False", "False")], method="filter_active")
    tags = django_filters.CharFilter(method="filter_tags")

    class Meta:
        model = Proposal
        fields = ("id", "semester", "active", "tac_rank", "tac_priority", "public", "title", "tags")

    def filter_active(self, rows: QuerySet[Proposal], name: str, value: str) -> QuerySet[Proposal]:
        """The reference spells this one as Python does."""
        del name
        return rows.filter(active=value == "True")

    def filter_tags(self, rows: QuerySet[Proposal], name: str, value: str) -> QuerySet[Proposal]:
        """Proposals with any of the tags, separated by commas."""
        del name
        wanted = {tag.strip() for tag in value.split(",")}
        # A list of words cannot be searched alike in all databases; there are few proposals.
        matching = [key for key, tags in rows.order_by().values_list("pk", "tags") if wanted & set(tags)]
        return rows.filter(pk__in=matching)


class SemesterFilters(django_filters.FilterSet):
    """Filters of the list of semesters."""

    semester_contains = django_filters.CharFilter(method="filter_contains")
    start = django_filters.DateTimeFilter(field_name="start", lookup_expr="gte")
    start_lte = django_filters.DateTimeFilter(field_name="start", lookup_expr="lte")
    end = django_filters.DateTimeFilter(field_name="end", lookup_expr="lt")
    end_gt = django_filters.DateTimeFilter(field_name="end", lookup_expr="gt")
    id = django_filters.CharFilter(lookup_expr="icontains")

    class Meta:
        model = Semester
        fields = ("semester_contains", "start", "start_lte", "end", "end_gt", "id")

    def filter_contains(self, rows: QuerySet[Semester], name: str, value: str) -> QuerySet[Semester]:
        """The semester that contains a time; what is no time filters nothing, as in the reference."""
        del name
        moment = _moment(value)
        return rows if moment is None else rows.filter(start__lte=moment, end__gte=moment)


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_date(text)
    except (ParserError, OverflowError):
        return None
    return make_aware(moment) if is_naive(moment) else moment


class MembershipFilters(django_filters.FilterSet):
    """Filters of the list of memberships."""

    first_name = django_filters.CharFilter(field_name="user__first_name", lookup_expr="icontains")
    last_name = django_filters.CharFilter(field_name="user__last_name", lookup_expr="icontains")
    username = django_filters.CharFilter(field_name="user__username", lookup_expr="icontains")
    email = django_filters.CharFilter(field_name="user__email", lookup_expr="icontains")

    class Meta:
        model = Membership
        fields = ("first_name", "last_name", "username", "email", "proposal", "role")


class InvitationFilters(django_filters.FilterSet):
    """Filters of the list of invitations."""

    pending = django_filters.BooleanFilter(method="filter_pending")

    class Meta:
        model = ProposalInvite
        fields = ("pending", "proposal")

    def filter_pending(self, rows: QuerySet[ProposalInvite], name: str, value: Any) -> QuerySet[ProposalInvite]:
        """Those that nobody has used yet, or those that somebody has."""
        del name
        return rows.filter(Q(used__isnull=bool(value)))
