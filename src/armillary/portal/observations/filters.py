from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet

from armillary.clock import now
from armillary.core.observations.states import ConfigurationState, ObservationState
from armillary.core.requests.model import OBSERVATION_TYPES
from armillary.core.requests.states import State
from armillary.portal.filters import KnownFilter, MomentFilter
from armillary.portal.observations.models import ConfigurationStatus, Observation
from armillary.portal.surroundings import observatory

TIME_SPANS = (
    ("today", "Today"),
    ("yesterday", "Yesterday"),
    ("week", "Past 7 days"),
    ("month", "This month"),
    ("year", "This year"),
)
ORDERINGS = ("start", "end", "modified", "created", "state")


def _choices(values: Any) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]


def configuration_types() -> list[str]:
    """The configuration types that some instrument of the observatory has."""
    types = observatory().instrument_types(include_unschedulable=True).values()
    return sorted({code for instrument_type in types for code in instrument_type.configuration_types})


def ordering_choices() -> list[tuple[str, str]]:
    """Names by which observations are ordered, with what a person reads."""
    return [
        choice
        for name in ORDERINGS
        for choice in ((name, name.capitalize()), (f"-{name}", f"{name.capitalize()} (descending)"))
    ]


class ObservationFilters(django_filters.FilterSet):
    """Filters of the lists of observations and of the schedule."""

    site = KnownFilter(known=lambda: observatory().site_codes())
    enclosure = KnownFilter(known=lambda: observatory().enclosure_codes())
    telescope = KnownFilter(known=lambda: observatory().telescope_codes())
    time_span = django_filters.ChoiceFilter(choices=TIME_SPANS, method="filter_time_span")
    start_after = MomentFilter(field_name="start", lookup_expr="gte")
    start_before = MomentFilter(field_name="start", lookup_expr="lt")
    end_after = MomentFilter(field_name="end", lookup_expr="gte")
    end_before = MomentFilter(field_name="end", lookup_expr="lt")
    modified_after = MomentFilter(field_name="modified", lookup_expr="gte")
    created_after = MomentFilter(field_name="created", lookup_expr="gte")
    created_before = MomentFilter(field_name="created", lookup_expr="lt")
    request_id = django_filters.NumberFilter(field_name="request_id")
    request_group_id = django_filters.NumberFilter(field_name="request__request_group_id")
    user = django_filters.CharFilter(field_name="request__request_group__submitter__username")
    proposal = django_filters.CharFilter(field_name="request__request_group__proposal_id")
    state = django_filters.MultipleChoiceFilter(choices=_choices(ObservationState), distinct=False)
    observation_type = django_filters.MultipleChoiceFilter(
        field_name="request__request_group__observation_type", choices=_choices(OBSERVATION_TYPES), distinct=False
    )
    request_state = django_filters.MultipleChoiceFilter(
        field_name="request__state", choices=_choices(State), distinct=False
    )
    instrument_type = KnownFilter(
        known=lambda: observatory().instrument_types(include_unschedulable=True), method="filter_instrument_type"
    )
    configuration_type = KnownFilter(known=configuration_types, method="filter_configuration_type")
    priority = django_filters.NumberFilter()
    ordering = django_filters.OrderingFilter(fields=ORDERINGS)

    class Meta:
        model = Observation
        fields: tuple[str, ...] = ()

    def filter_time_span(self, rows: QuerySet[Observation], name: str, value: str) -> QuerySet[Observation]:
        """Observations that start in a span of days, counted in UTC."""
        del name
        start, end = time_span(value, now())
        return rows.filter(start__gte=start, start__lt=end)

    def filter_instrument_type(self, rows: QuerySet[Observation], name: str, value: list[str]) -> QuerySet[Observation]:
        """Observations with such a configuration."""
        del name
        return _with_configuration(rows, instrument_type__in=value) if value else rows

    def filter_configuration_type(
        self, rows: QuerySet[Observation], name: str, value: list[str]
    ) -> QuerySet[Observation]:
        """Observations with such a configuration."""
        del name
        return _with_configuration(rows, type__in=value) if value else rows


def _with_configuration(rows: QuerySet[Observation], **condition: Any) -> QuerySet[Observation]:
    conditions = {f"configuration__{key}": value for key, value in condition.items()}
    statuses = ConfigurationStatus.objects.filter(observation=OuterRef("pk"), **conditions)
    return rows.filter(Exists(statuses.order_by()))


def time_span(name: str, at: datetime) -> tuple[datetime, datetime]:
    """The span of days that a name means at a time, UTC."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    match name:
        case "today":
            return midnight, midnight + day
        case "yesterday":
            return midnight - day, midnight
        case "week":
            return midnight - 7 * day, midnight + day
        case "month":
            start = midnight.replace(day=1)
            return start, (start + 32 * day).replace(day=1)
        case _:
            start = midnight.replace(month=1, day=1)
            return start, start.replace(year=start.year + 1)


class StatusFilters(django_filters.FilterSet):
    """Filters of the list of executions."""

    instrument_name = KnownFilter(known=lambda: {code.lower() for code in observatory().instrument_codes()})
    state = django_filters.MultipleChoiceFilter(
        choices=_choices(state for state in ConfigurationState if state is not ConfigurationState.ABORTED),
        distinct=False,
    )
    site = KnownFilter(field_name="observation__site", known=lambda: observatory().site_codes())

    class Meta:
        model = ConfigurationStatus
        fields = ("instrument_name", "state", "site", "guide_camera_name")


def catalogue() -> dict[str, Any]:
    """What observations can be filtered by, for forms."""
    snapshot = observatory()
    single = [("", "---------")]
    options = {
        "site": _choices(snapshot.site_codes()),
        "enclosure": _choices(snapshot.enclosure_codes()),
        "telescope": _choices(snapshot.telescope_codes()),
        "state": _choices(ObservationState),
        "time_span": [*single, *TIME_SPANS],
        "observation_type": _choices(OBSERVATION_TYPES),
        "request_state": _choices(State),
        "instrument_type": _choices(snapshot.instrument_types(include_unschedulable=True)),
        "configuration_type": _choices(configuration_types()),
        "ordering": [*single, *ordering_choices()],
    }
    return {
        "fields": [
            "priority",
            "start_after",
            "start_before",
            "end_after",
            "end_before",
            "modified_after",
            "created_after",
            "created_before",
            "request_id",
            "request_group_id",
            "user",
            "proposal",
        ],
        "choice_fields": [{"name": name, "options": choices} for name, choices in options.items()],
    }
