"""Proof of the ledger: every execution was charged what it cost, no more, no less, and no account says the impossible.

Charging happens in the transaction that takes in a telescope's report, so nothing should ever be found. This computes
all of it anew from the reports themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Sum

from armillary.core.observations.states import ObservationState
from armillary.core.observatory import Observatory
from armillary.core.proposals.charging import cost_us
from armillary.core.proposals.ledger import ACCOUNT_OF_OBSERVATION_TYPE, MICROSECONDS_PER_SECOND, Account
from armillary.core.requests.model import UNSCHEDULED
from armillary.portal.observations.models import ConfigurationStatus, Observation
from armillary.portal.proposals.accounting import charge_execution
from armillary.portal.proposals.models import LedgerEntry, TimeAllocation
from armillary.portal.proposals.queries import accounted_allocations
from armillary.portal.surroundings import observatory

TAKEN_OVER = "taken over"
"""Reason of entries that came with a dump of another portal: they say what was charged there."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something that the ledger says and the observations do not, or the other way round."""

    allocation: int
    what: str
    found_us: int
    due_us: int

    def __str__(self) -> str:
        found, due = (amount / MICROSECONDS_PER_SECOND for amount in (self.found_us, self.due_us))
        return f"allocation {self.allocation}, {self.what}: {found:.6f} s in the ledger, {due:.6f} s due"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was looked at, and what does not agree."""

    allocations: int
    executions: int
    sessions: int
    discrepancies: tuple[Discrepancy, ...]
    repaired: int = 0


def reconcile(*, repair: bool = False) -> Reconciliation:
    """Compare the ledger with the executions, sessions and limits that it should follow from.

    Args:
        repair: Append what brings the charges of executions to what is due. Nothing is ever changed or removed.

    Raises:
        ServiceUnavailable: The observatory, which tells what rapid responses cost at most, cannot be read.
    """
    snapshot = observatory()
    executions = _executions()
    wrong = list(_charges(executions, snapshot))
    repaired = 0
    if repair:
        for status, item in wrong:
            _repair(status, item)
            repaired += 1
    sessions, odd = _sessions()
    allocations = accounted_allocations(list(TimeAllocation.objects.order_by("pk")))
    impossible = [
        Discrepancy(
            item.row.pk, "priority available", account.left_us, min(max(account.left_us, 0), account.granted_us)
        )
        for item in allocations
        if not 0 <= (account := item.accounts[Account.PRIORITY]).left_us <= account.granted_us
    ]
    found = (*(item for _, item in wrong), *odd, *impossible)
    return Reconciliation(len(allocations), len(executions), sessions, found, repaired)


def _executions() -> list[ConfigurationStatus]:
    """What was executed and is paid for by time: one query."""
    taken_over = LedgerEntry.objects.filter(reason=TAKEN_OVER, configuration_status__isnull=False)
    rows = (
        ConfigurationStatus.objects.filter(summary__isnull=False, configuration__isnull=False)
        .exclude(observation__request__request_group__observation_type__in=UNSCHEDULED)
        .exclude(pk__in=taken_over.values("configuration_status"))
    )
    return list(rows.select_related("summary", "configuration", "observation__request__request_group").order_by("pk"))


def _charges(
    executions: list[ConfigurationStatus], snapshot: Observatory
) -> Iterator[tuple[ConfigurationStatus, Discrepancy]]:
    """Executions that were not charged what they cost: three queries for any number."""
    charged: dict[tuple[int, int], int] = defaultdict(int)
    sums = LedgerEntry.objects.filter(configuration_status__isnull=False).exclude(reason=TAKEN_OVER).order_by()
    for status, allocation, total in sums.values_list("configuration_status", "allocation").annotate(Sum("amount_us")):
        charged[status or 0, allocation] = total
    paying: dict[str, list[TimeAllocation]] = defaultdict(list)
    for row in TimeAllocation.objects.select_related("semester"):
        paying[row.proposal_id].append(row)
    counts: Mapping[int, int] = _executions_of_observations()
    for status in executions:
        due = _due_us(status, snapshot, counts[status.observation_id])
        for allocation in _paying_for(status, paying):
            found = charged[status.pk, allocation.pk]
            if found != due:
                yield status, Discrepancy(allocation.pk, f"execution {status.pk}", found, due)


def _executions_of_observations() -> dict[int, int]:
    counts: dict[int, int] = defaultdict(int)
    for observation in ConfigurationStatus.objects.values_list("observation_id", flat=True):
        counts[observation] += 1
    return counts


def _paying_for(status: ConfigurationStatus, paying: Mapping[str, list[TimeAllocation]]) -> list[TimeAllocation]:
    request, configuration = status.observation.request, status.configuration
    if configuration is None or request.first_start is None or request.last_end is None:
        return []
    return [
        row
        for row in paying.get(request.request_group.proposal_id, ())
        if configuration.instrument_type in row.instrument_types
        and row.semester.start <= request.first_start
        and request.last_end <= row.semester.end
    ]


def _due_us(status: ConfigurationStatus, snapshot: Observatory, configurations: int) -> int:
    if status.observation.state == ObservationState.BAD_DATA or status.configuration is None:
        return 0  # given back
    instrument_type = snapshot.instrument_type(status.configuration.instrument_type)
    return cost_us(
        status.summary.start,
        status.summary.end,
        status.observation.request.request_group.observation_type,
        configuration_duration_s=status.configuration.duration_s,
        front_padding_s=0.0 if instrument_type is None else instrument_type.observation_front_padding_s,
        configurations=configurations,
    )


@transaction.atomic
def _repair(status: ConfigurationStatus, item: Discrepancy) -> None:
    request, configuration = status.observation.request, status.configuration
    if configuration is None:
        raise ValueError(f"execution {status.pk} has no configuration to charge for")
    charge_execution(
        configuration_status=status.pk,
        observation=status.observation_id,
        proposal_id=request.request_group.proposal_id,
        observation_type=request.request_group.observation_type,
        instrument_type=configuration.instrument_type,
        start=request.first_start,
        end=request.last_end,
        cost_us=item.due_us,
        reason="reconciled",
    )


def _sessions() -> tuple[int, list[Discrepancy]]:
    """Real-time sessions: one that was given up holds no time, any other does."""
    reserved: dict[int, tuple[int, int]] = {}
    account = ACCOUNT_OF_OBSERVATION_TYPE["REAL_TIME"].value
    rows = LedgerEntry.objects.filter(account=account, observation__isnull=False).order_by()
    for observation, allocation, total in rows.values_list("observation", "allocation").annotate(Sum("amount_us")):
        reserved[observation or 0] = (allocation, total)
    states = dict(Observation.objects.filter(pk__in=reserved).values_list("pk", "state"))
    wrong = [
        Discrepancy(allocation, f"session {key} ({states.get(key, 'gone')})", total, 0)
        for key, (allocation, total) in sorted(reserved.items())
        if (states.get(key) == ObservationState.CANCELED) != (total == 0)
    ]
    return len(reserved), wrong
