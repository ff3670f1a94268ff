from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from armillary import clock
from armillary.web.access import Access, page
from armillary.web.answers import tried

_KINDS = {"std": "Standard", "rr": "Rapid response", "tc": "Time critical", "realtime": "Real-time"}


@dataclass(frozen=True, slots=True)
class Bar:
    """How much of some hours is used."""

    label: str
    used_h: float
    granted_h: float

    @property
    def percent(self) -> float:
        """The part that is used, at most 100."""
        return min(100.0, 100.0 * self.used_h / self.granted_h) if self.granted_h else 0.0

    @property
    def is_short(self) -> bool:
        """Whether less than a tenth is left."""
        return self.granted_h > 0 and self.used_h > 0.9 * self.granted_h


@page("proposals")
def proposals(request: HttpRequest, access: Access) -> HttpResponse:
    """The caller's proposals, active ones first."""
    rows = sorted(access.people.proposals(), key=lambda row: (not row["active"], row["id"]))
    context = {
        "section": "proposals",
        "now": clock.now(),
        "rows": [(row, _bars(row["timeallocation_set"])) for row in rows],
    }
    return render(request, "armillary/proposals.html", context)


def _bars(allocations: list[dict[str, Any]]) -> list[Bar]:
    bars = []
    for allocation in allocations:
        name = f"{allocation['semester']} {', '.join(allocation['instrument_types'])}"
        for kind, label in _KINDS.items():
            if granted := allocation[f"{kind}_allocation"]:
                bars.append(Bar(f"{name}: {label.lower()}", allocation[f"{kind}_time_used"], granted))
    return bars


@page("proposals")
def proposal(request: HttpRequest, access: Access, proposal_id: str) -> HttpResponse:
    """A proposal: its time, its members, invitations."""
    found = access.people.proposal(proposal_id)
    members = access.people.memberships(proposal_id)
    mine = [member for member in members if member["username"] == request.user.get_username()]
    leads = any(member["role"] == "PI" for member in mine)
    context = {
        "section": "proposals",
        "now": clock.now(),
        "proposal": found,
        "ledger": access.people.ledger(proposal_id),
        "bars": _bars(found["timeallocation_set"]),
        "members": [member | {"used_h": member["time_used_by_user"] / 3600, **_limit(member)} for member in members],
        "leads": leads,
        "is_member": bool(mine),
        "invitations": access.people.invitations(proposal_id) if leads else [],
        "is_told": bool(mine) and proposal_id in access.people.profile()["proposal_notifications"],
    }
    return render(request, "armillary/proposal.html", context)


def _limit(member: dict[str, Any]) -> dict[str, Any]:
    limit = member["time_limit"]
    return {"limit_h": limit / 3600 if limit >= 0 else None}


@require_POST
@page("proposals")
def change(request: HttpRequest, access: Access, proposal_id: str, verb: str) -> HttpResponse:
    """One of the forms on a proposal's page."""
    verbs: dict[str, tuple[Callable[[], object], str]] = {
        "invite": (
            lambda: access.people.invite(proposal_id, request.POST.get("emails", "").replace(",", " ").split()),
            "They are invited.",
        ),
        "withdraw": (lambda: access.people.withdraw_invitation(_number(request)), "The invitation is taken back."),
        "limit": (lambda: access.people.limit_member(_number(request), _hours(request)), "The limit is set."),
        "remove": (lambda: access.people.remove_member(_number(request)), "They are no longer a member."),
        "notify": (
            lambda: access.people.set_notifications(proposal_id, enabled="enabled" in request.POST),
            "Your wish is saved.",
        ),
    }
    if verb not in verbs:
        raise Http404(f"Nothing on this page is called {verb}.")
    tried(request, *verbs[verb])
    return redirect("proposal", proposal_id=proposal_id)


def _number(request: HttpRequest) -> int:
    text = request.POST.get("id", "")
    if not text.isdecimal():
        raise Http404("The form names nobody.")
    return int(text)


def _hours(request: HttpRequest) -> float:
    """What was typed; nothing means no limit."""
    text = request.POST.get("hours", "").strip()
    try:
        return float(text) if text else -1.0
    except ValueError as error:
        raise Http404(f"{text!r} are no hours.") from error
