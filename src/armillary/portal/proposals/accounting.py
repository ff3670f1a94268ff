"""Time and priority are accounted for here: every change is a line in the ledger, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from django.db.models import Sum

from armillary.accounts.models import User
from armillary.core.proposals import ledger, priority
from armillary.core.proposals.ledger import ACCOUNT_OF_OBSERVATION_TYPE, Account, Entry
from armillary.platform.prepared import Prepared
from armillary.portal.proposals.models import LedgerEntry, TimeAllocation
from armillary.portal.proposals.queries import AccountedAllocation, accounted_allocations
from armillary.portal.proposals.services import append_entries


class PriorityExhausted(Exception):
    """Less priority is available than a group asks for; says how much is missing where."""

    def __init__(self, allocation: TimeAllocation, wanted_h: float, available_h: float) -> None:
        super().__init__(
            f"an ipp_value above 1 needs {wanted_h:.3f} hours of priority on {', '.join(allocation.instrument_types)}, "
            f"but only {available_h:.3f} are available"
        )


_locked: Final = Prepared[TimeAllocation](
    lambda proposal, start, end: (
        TimeAllocation.objects.filter(proposal_id=proposal, semester__start__lte=start, semester__end__gte=end)
        .select_for_update(of=("self",))
        .order_by("pk")
    ),
    proposal=str,
    start=datetime,
    end=datetime,
)
_charged: Final = Prepared[tuple[int, int]](
    lambda execution, allocation: (
        LedgerEntry.objects.filter(configuration_status=execution, allocation=allocation)
        .order_by()
        .values_list("allocation_id")
        .annotate(total=Sum("amount_us"))
    ),
    execution=int,
    allocation=int,
)


def locked_allocations(
    proposal_id: str, start: datetime | None, end: datetime | None, instrument_types: Collection[str]
) -> list[AccountedAllocation]:
    """The allocations of one semester that pay for these instrument types; nobody else changes them meanwhile.

    Windows that reach over the end of a semester, or no windows at all, are paid for by nothing.
    """
    if start is None or end is None:
        return []
    locked = _locked.all(proposal=proposal_id, start=start, end=end)
    paying = [row for row in locked if set(row.instrument_types) & set(instrument_types)]
    return accounted_allocations(paying)


def stake_priority(
    proposal_id: str,
    ipp_value: float,
    durations_s: Mapping[str, float],
    start: datetime | None,
    end: datetime | None,
    *,
    sign: int,
    reason: str,
    request: int | None = None,
    strict: bool = False,
) -> None:
    """Spend (``sign`` -1) or gain (+1) the priority that is at stake for durations, by instrument type.

    Raises:
        PriorityExhausted: ``strict``, and less is available than is to be spent.
    """
    for allocation in locked_allocations(proposal_id, start, end, durations_s):
        amount = sum(
            priority.stake_us(ipp_value, seconds)
            for instrument_type, seconds in durations_s.items()
            if allocation.covers(instrument_type)
        )
        account = allocation.accounts[Account.PRIORITY]
        if sign > 0:
            entry = priority.credit(amount, available_us=account.left_us, limit_us=account.granted_us)
        elif strict and amount > account.left_us:
            raise PriorityExhausted(allocation.row, amount / ledger.MICROSECONDS_PER_HOUR, account.left_h)
        else:
            entry = priority.debit(amount, available_us=account.left_us)
        if entry is not None:
            append_entries(allocation.row, [entry], reason=reason, request=request)


def charge_execution(
    *,
    configuration_status: int,
    observation: int,
    proposal_id: str,
    observation_type: str,
    instrument_type: str,
    start: datetime | None,
    end: datetime | None,
    cost_us: int,
    reason: str,
) -> None:
    """Bring what was charged for an execution to what it cost.

    Args:
        configuration_status: The execution.
        observation: Its observation.
        proposal_id: Who pays.
        observation_type: From which bucket.
        instrument_type: On which allocation.
        start: Start of the request's first window; with ``end`` it tells the semester.
        end: End of its last window.
        cost_us: What it costs, as is known now.
        reason: Why.
    """
    account = ACCOUNT_OF_OBSERVATION_TYPE.get(observation_type)
    if account is None or account is Account.REALTIME:
        return
    for allocation in locked_allocations(proposal_id, start, end, {instrument_type}):
        charged = charged_us(configuration_status, allocation.row.pk)
        entry = ledger.adjustment(account, charged_us=charged, due_us=cost_us)
        _append(allocation.row, entry, configuration_status, observation, reason)


def refund_execution(
    *, configuration_status: int, observation: int, cost_us: int, share: float, reason: str, actor: User | None = None
) -> None:
    """Give back a share of what an execution cost, never more than is still charged for it."""
    rows = LedgerEntry.objects.filter(configuration_status=configuration_status)
    paid = rows.order_by().values_list("allocation_id", "account").annotate(total=Sum("amount_us"))
    for allocation_id, account, charged in list(paid):
        allocation = TimeAllocation.objects.select_for_update(of=("self",)).get(pk=allocation_id)
        entry = ledger.refund(Account(account), charged_us=charged, cost_us=cost_us, share=share)
        _append(allocation, entry, configuration_status, observation, reason, actor)


def charged_us(configuration_status: int, allocation: int) -> int:
    """What is charged for an execution now, in microseconds."""
    charged = _charged.first(execution=configuration_status, allocation=allocation)
    return 0 if charged is None else charged[1]


def _append(
    allocation: TimeAllocation,
    entry: Entry | None,
    configuration_status: int,
    observation: int,
    reason: str,
    actor: User | None = None,
) -> None:
    if entry is not None:
        append_entries(
            allocation,
            [entry],
            reason=reason,
            configuration_status=configuration_status,
            observation=observation,
            actor=actor,
        )
