"""What a proposal did with its time, to keep or to hand in."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from armillary.clock import now
from armillary.core.proposals.ledger import MICROSECONDS_PER_HOUR
from armillary.platform.paper import printed
from armillary.platform.wire import wire_time
from armillary.portal.proposals import wire
from armillary.portal.proposals.models import LedgerEntry, Proposal
from armillary.portal.proposals.queries import ledger_of

COLUMNS: Final = ("at", "semester", "instrument_types", "account", "kind", "hours", "request", "observation", "reason")
_KINDS: Final = {"std": "Standard", "rr": "Rapid response", "tc": "Time critical", "realtime": "Real-time"}


def as_pdf(proposal: Proposal) -> bytes:
    """Time, requests by state, and every line of the account, on paper."""
    from armillary.portal.requestgroups.models import RequestGroup

    shown = wire.proposals([proposal])[0]
    groups = RequestGroup.objects.filter(proposal=proposal).select_related("submitter").order_by("pk")
    lines = [_with_hours(row) for row in ledger_of(proposal).exclude(account="ipp").order_by("pk")]
    context = {"proposal": shown, "time": _time(shown), "groups": groups, "lines": lines, "now": now()}
    return printed("portal/proposals/report.html", context)


def as_csv(proposal: Proposal) -> str:
    """Every line of the account as a table, oldest first."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for row in ledger_of(proposal).order_by("pk"):
        line = wire.ledger_line(row) | {
            "at": wire_time(row.created),
            "instrument_types": ";".join(row.allocation.instrument_types),
        }
        table.writerow([_harmless(line[name]) for name in COLUMNS])
    return out.getvalue()


def _harmless(value: Any) -> Any:
    """Spreadsheets carry out what begins with these signs: a reason must stay a text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


def _time(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "semester": allocation["semester"],
            "instruments": ", ".join(allocation["instrument_types"]),
            "kind": label,
            "granted_h": allocation[f"{kind}_allocation"],
            "used_h": allocation[f"{kind}_time_used"],
        }
        for allocation in shown["timeallocation_set"]
        for kind, label in _KINDS.items()
        if allocation[f"{kind}_allocation"] or allocation[f"{kind}_time_used"]
    ]


def _with_hours(row: LedgerEntry) -> dict[str, Any]:
    return {"row": row, "hours": row.amount_us / MICROSECONDS_PER_HOUR}
