from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, Max, OuterRef, QuerySet

from armillary.accounts.models import User
from armillary.core.requests.model import OBSERVATION_TYPES
from armillary.core.requests.states import State
from armillary.portal.filters import KnownFilter, MomentFilter
from armillary.portal.proposals.models import Proposal
from armillary.portal.requestgroups.models import Request, RequestGroup
from armillary.portal.surroundings import observatory

_ORDERS = ("name", "modified", "created", "end")


def _choices(values: Any) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]


def _telescope_classes() -> list[str]:
    return list(observatory().telescope_classes())


class RequestGroupFilters(django_filters.FilterSet):
    """Filters of the list of request groups."""

    submitter = django_filters.ModelChoiceFilter(queryset=User.objects.all())
    user = django_filters.CharFilter(field_name="submitter__username", lookup_expr="icontains")
    proposal = django_filters.ModelChoiceFilter(queryset=Proposal.objects.all())
    name = django_filters.CharFilter(lookup_expr="icontains")
    observation_type = django_filters.ChoiceFilter(choices=_choices(OBSERVATION_TYPES))
    operator = django_filters.ChoiceFilter(choices=_choices(("SINGLE", "MANY")))
    state = django_filters.MultipleChoiceFilter(choices=_choices(State), distinct=False)
    exclude_state = django_filters.MultipleChoiceFilter(
        field_name="state", choices=_choices(State), distinct=False, exclude=True
    )
    telescope_class = KnownFilter(known=_telescope_classes, method="filter_telescope_class")
    target = django_filters.CharFilter(method="filter_target")
    created_after = MomentFilter(field_name="created", lookup_expr="gte")
    created_before = MomentFilter(field_name="created", lookup_expr="lte")
    modified_after = MomentFilter(method="filter_modified_after")
    modified_before = MomentFilter(method="filter_modified_before")
    request_id = django_filters.NumberFilter(method="filter_request_id")
    order = django_filters.ChoiceFilter(
        choices=_choices([*_ORDERS, *(f"-{name}" for name in _ORDERS)]), method="filter_order"
    )

    class Meta:
        model = RequestGroup
        fields = ("id", "ipp_value")

    def filter_telescope_class(
        self, rows: QuerySet[RequestGroup], name: str, value: list[str]
    ) -> QuerySet[RequestGroup]:
        """Groups with a request for such a telescope."""
        del name
        return _with_request(rows, telescope_class__in=value) if value else rows

    def filter_target(self, rows: QuerySet[RequestGroup], name: str, value: str) -> QuerySet[RequestGroup]:
        """Groups with such a target."""
        del name
        return _with_request(rows, configurations__target_name__icontains=value)

    def filter_modified_after(self, rows: QuerySet[RequestGroup], name: str, value: Any) -> QuerySet[RequestGroup]:
        """Groups with a request that changed since."""
        del name
        return _with_request(rows, modified__gte=value)

    def filter_modified_before(self, rows: QuerySet[RequestGroup], name: str, value: Any) -> QuerySet[RequestGroup]:
        """Groups with a request that has not changed since."""
        del name
        return _with_request(rows, modified__lte=value)

    def filter_request_id(self, rows: QuerySet[RequestGroup], name: str, value: Any) -> QuerySet[RequestGroup]:
        """The group of a request."""
        del name
        return _with_request(rows, pk=value)

    def filter_order(self, rows: QuerySet[RequestGroup], name: str, value: str) -> QuerySet[RequestGroup]:
        """Order of the list; ``end`` is the end of the latest window."""
        del name
        descending, column = value.startswith("-"), value.lstrip("-")
        if column == "end":
            rows, column = rows.annotate(last_end=Max("requests__last_end")), "last_end"
        return rows.order_by(f"-{column}" if descending else column, "-pk")


def _with_request(rows: QuerySet[RequestGroup], **condition: Any) -> QuerySet[RequestGroup]:
    return rows.filter(Exists(Request.objects.filter(request_group=OuterRef("pk"), **condition).order_by()))


class RequestFilters(django_filters.FilterSet):
    """Filters of the list of requests."""

    state = django_filters.ChoiceFilter(choices=_choices(State))
    telescope_class = KnownFilter(known=_telescope_classes)

    class Meta:
        model = Request
        fields = ("state", "telescope_class")
