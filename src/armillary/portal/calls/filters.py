from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from armillary.clock import now
from armillary.portal.calls.models import Call, ScienceApplication, ScienceApplicationReview


class CallFilters(django_filters.FilterSet):
    """Filters of the list of calls."""

    only_open = django_filters.BooleanFilter(method="filter_open")

    class Meta:
        model = Call
        fields = ("only_open",)

    def filter_open(self, rows: QuerySet[Call], name: str, value: Any) -> QuerySet[Call]:
        """Calls that can be answered now; the presence of the parameter counts, as at the reference."""
        del name, value
        return rows.filter(opens__lte=now(), deadline__gte=now())


class ApplicationFilters(django_filters.FilterSet):
    """Filters of the list of applications."""

    status = django_filters.MultipleChoiceFilter(choices=ScienceApplication.Status.choices)
    exclude_status = django_filters.MultipleChoiceFilter(
        field_name="status", choices=ScienceApplication.Status.choices, exclude=True
    )
    proposal_type = django_filters.MultipleChoiceFilter(
        field_name="call__proposal_type", choices=Call.ProposalType.choices
    )
    exclude_proposal_type = django_filters.MultipleChoiceFilter(
        field_name="call__proposal_type", choices=Call.ProposalType.choices, exclude=True
    )
    only_authored = django_filters.BooleanFilter(method="filter_authored")
    tags = django_filters.CharFilter(method="filter_tags")

    class Meta:
        model = ScienceApplication
        fields = ("call",)

    def filter_authored(
        self, rows: QuerySet[ScienceApplication], name: str, value: Any
    ) -> QuerySet[ScienceApplication]:
        """The caller's own ones, for staff that sees all."""
        del name
        caller = None if self.request is None else self.request.user
        return rows.filter(submitter_id=caller.pk) if value and caller is not None else rows

    def filter_tags(self, rows: QuerySet[ScienceApplication], name: str, value: str) -> QuerySet[ScienceApplication]:
        """Applications with any of the tags, separated by commas."""
        del name
        wanted = {tag.strip() for tag in value.split(",")}
        # A list of words cannot be searched alike in all databases; there are few applications.
        matching = [key for key, tags in rows.order_by().values_list("pk", "tags") if wanted & set(tags)]
        return rows.filter(pk__in=matching)


class ReviewFilters(django_filters.FilterSet):
    """Filters of the list of reviews."""

    class Meta:
        model = ScienceApplicationReview
        fields = ("science_application__call__semester__id",)
