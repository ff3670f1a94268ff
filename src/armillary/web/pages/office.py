"""The pages of those who run the observatory: accounts, semesters, proposals, calls, panels, the audit log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from armillary import clock
from armillary.clients.errors import RequestRefused
from armillary.web.access import Access, page
from armillary.web.answers import sentences_of, tried

_SECTION: Final = "office"
_TABS: Final = {"person": "people", "proposal": "proposals"}
_PAGE: Final = 50
_ACCOUNT_FLAGS: Final = {
    "is_active": "May log in",
    "is_staff": "Operator: runs the observatory",
    "is_superuser": "Administrator: may do everything",
}
_PROPOSAL_FLAGS: Final = {
    "active": "Active: its requests are scheduled",
    "public": "Public: everybody sees its requests",
    "non_science": "Not for science: left out of the public list",
    "direct_submission": "Direct: members may place observations on the schedule",
}
_HOURS: Final = ("std_allocation", "rr_allocation", "tc_allocation", "realtime_allocation")
_KINDS: Final = {
    "SCI": "Science",
    "DDT": "Director's discretionary time",
    "KEY": "Key project",
    "NAOC": "NAOC",
    "COLAB": "Collaboration",
}


def _show(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    context |= {"section": _SECTION, "tab": _TABS.get(template, template), "now": clock.now()}
    return render(request, f"armillary/office/{template}.html", context)


def _offset(request: HttpRequest) -> int:
    text = request.GET.get("offset", "0")
    return int(text) if text.isdecimal() else 0


def _pages(found: Mapping[str, Any], offset: int) -> dict[str, Any]:
    return {
        "count": found["count"],
        "earlier": max(0, offset - _PAGE) if offset else None,
        "later": offset + _PAGE if offset + _PAGE < found["count"] else None,
    }


# --- Accounts


@page(_SECTION)
def people(request: HttpRequest, access: Access) -> HttpResponse:
    """All accounts; a search; a table to take in."""
    if request.method == "POST":
        _take_in(request, lambda table, dry_run: access.office.import_accounts(table, dry_run=dry_run))
        return redirect("office")
    search, offset = request.GET.get("search", ""), _offset(request)
    found = access.office.accounts(search=search, limit=_PAGE, offset=offset)
    return _show(request, "people", accounts=found["results"], search=search, pages=_pages(found, offset))


@page(_SECTION)
def person(request: HttpRequest, access: Access, username: str) -> HttpResponse:
    """One account."""
    if request.method == "POST":
        deeds: dict[str, tuple[Callable[[], object], str]] = {
            "unlock": (lambda: access.office.unlock_account(username), "They can try again."),
            "remove": (lambda: access.office.remove_account(username), "The account has been removed."),
            "save": (lambda: access.office.change_account(username, _account_form(request)), "The account is saved."),
        }
        deed = request.POST.get("deed", "save")
        if deed not in deeds:
            raise Http404(f"Nothing on this page is called {deed}.")
        done = tried(request, *deeds[deed])
        return redirect("office") if done and deed == "remove" else redirect("office-person", username=username)
    account = access.office.account(username)
    flags = [(name, label, account[name]) for name, label in _ACCOUNT_FLAGS.items()]
    return _show(request, "person", account=account, flags=flags)


def _account_form(request: HttpRequest) -> dict[str, Any]:
    texts = {name: request.POST.get(name, "") for name in ("first_name", "last_name", "email") if name in request.POST}
    if not texts.get("email"):
        texts.pop("email", None)
    details = {name: request.POST[name] for name in ("institution", "title") if name in request.POST}
    return {**texts, "profile": details, **{name: name in request.POST for name in _ACCOUNT_FLAGS}}


def _take_in(request: HttpRequest, take: Callable[[str, bool], Mapping[str, Any]]) -> None:
    """Try or take in a table, and tell what became of it."""
    uploaded = request.FILES.get("table")
    try:
        table = "" if uploaded is None else uploaded.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        messages.error(request, "The file is not UTF-8 text; save it as CSV in UTF-8.")
        return
    dry_run = "take_in" not in request.POST
    try:
        found = take(table, dry_run)
    except RequestRefused as refusal:
        if refusal.status != 400:
            raise
        for line in _lines(refusal.detail):
            messages.error(request, line)
        return
    counts: dict[str, int] = {}
    for row in found["rows"]:
        counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
    summary = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
    messages.success(request, f"{'It would be' if dry_run else 'Done'}: {summary}.")


def _lines(detail: Any) -> list[str]:
    rows = detail.get("rows") if isinstance(detail, dict) else None
    if not isinstance(rows, dict):
        return list(sentences_of(detail))
    return [f"Line {line}: {sentence}" for line, errors in rows.items() for sentence in sentences_of(errors)]


@page(_SECTION)
def audit(request: HttpRequest, access: Access) -> HttpResponse:
    """What privileged people did."""
    offset = _offset(request)
    found = access.office.audit(limit=_PAGE, offset=offset)
    return _show(request, "audit", entries=found["results"], pages=_pages(found, offset))


# --- Proposals


@page(_SECTION)
def proposals(request: HttpRequest, access: Access) -> HttpResponse:
    """All proposals; a new one; a table to take in."""
    if request.method == "POST" and "table" in request.FILES:
        semester = request.POST.get("semester") or None
        _take_in(request, lambda table, dry_run: access.office.import_proposals(table, semester, dry_run=dry_run))
        return redirect("office-proposals")
    if request.method == "POST":
        values = {name: request.POST.get(name, "").strip() for name in ("id", "title", "pi")}
        if tried(request, lambda: access.office.create_proposal(values), "The proposal is there; give it time."):
            return redirect("office-proposal", proposal_id=values["id"])
        return redirect("office-proposals")
    offset = _offset(request)
    found = access.office.proposals(limit=_PAGE, offset=offset)
    context = {"rows": found["results"], "pages": _pages(found, offset), "semesters": access.office.semesters()}
    return _show(request, "proposals", **context)


@page(_SECTION)
def proposal(request: HttpRequest, access: Access, proposal_id: str) -> HttpResponse:
    """One proposal: what is said of it, its time, its members."""
    if request.method == "POST":
        deed = request.POST.get("deed", "")
        deeds: dict[str, tuple[Callable[[], object], str]] = {
            "save": (lambda: access.office.change_proposal(proposal_id, _proposal_form(request)), "It is saved."),
            "give": (lambda: access.office.give_time(proposal_id, _time_form(request)), "The time is given."),
            "correct": (
                lambda: access.office.correct_time(proposal_id, _whole(request, "allocation"), _hours_form(request)),
                "The time is corrected.",
            ),
            "appoint": (
                lambda: access.office.appoint(
                    proposal_id, request.POST.get("username", ""), request.POST.get("role", "CI")
                ),
                "They are a member.",
            ),
            "dismiss": (
                lambda: access.office.dismiss(proposal_id, request.POST.get("username", "")),
                "They are no longer a member.",
            ),
        }
        if deed not in deeds:
            raise Http404(f"Nothing on this page is called {deed}.")
        tried(request, *deeds[deed])
        return redirect("office-proposal", proposal_id=proposal_id)
    found = access.office.proposal(proposal_id)
    if found is None:
        raise Http404(f"There is no proposal {proposal_id}.")
    context = {
        "proposal": found,
        "flags": [(name, label, found[name]) for name, label in _PROPOSAL_FLAGS.items()],
        "semesters": access.office.semesters(),
        "instrument_types": sorted(access.configdb.observatory().instrument_types(include_unschedulable=True)),
    }
    return _show(request, "proposal", **context)


def _whole(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    if not text.isdecimal():
        raise Http404(f"The form has no number for {name}.")
    return int(text)


def _proposal_form(request: HttpRequest) -> dict[str, Any]:
    return {
        **{name: request.POST.get(name, "") for name in ("title", "abstract", "notes")},
        "tac_priority": request.POST.get("tac_priority") or 0,
        "tags": request.POST.get("tags", "").replace(",", " ").split(),
        **{name: name in request.POST for name in _PROPOSAL_FLAGS},
    }


def _hours_form(request: HttpRequest) -> dict[str, Any]:
    hours = {name: request.POST.get(name) or 0 for name in _HOURS}
    return {**hours, "reason": request.POST.get("reason", "")}


def _time_form(request: HttpRequest) -> dict[str, Any]:
    return {
        **_hours_form(request),
        "semester": request.POST.get("semester", ""),
        "instrument_types": request.POST.getlist("instrument_types"),
    }


# --- Semesters


@page(_SECTION)
def semesters(request: HttpRequest, access: Access) -> HttpResponse:
    """All semesters; a new one; what is left goes on into another one."""
    access.office.proposals(limit=1)  # semesters are public, this page is for those who may see all proposals
    planned: list[dict[str, Any]] = []
    if request.method == "POST" and "to" in request.POST:
        source, target = request.POST.get("from", ""), request.POST["to"]
        if "do" in request.POST:
            tried(request, lambda: access.office.roll_over(source, target, dry_run=False), "The hours went on.")
            return redirect("office-semesters")
        try:
            planned = access.office.roll_over(source, target, dry_run=True)["allocations"]
        except RequestRefused as refusal:
            if refusal.status != 400:
                raise
            for sentence in sentences_of(refusal.detail):
                messages.error(request, sentence)
            return redirect("office-semesters")
        plan = {"planned": planned, "source": source, "target": target, "is_planned": True}
        return _show(request, "semesters", semesters=access.office.semesters(), **plan)
    if request.method == "POST":
        first, last = request.POST.get("start", ""), request.POST.get("end", "")
        name = request.POST.get("id", "").strip()
        begin, end = f"{first}T00:00:00Z", f"{last}T00:00:00Z"
        tried(request, lambda: access.office.create_semester(name, begin, end), "The semester is there.")
        return redirect("office-semesters")
    return _show(request, "semesters", semesters=access.office.semesters())


# --- Calls and panels


@page(_SECTION)
def calls(request: HttpRequest, access: Access) -> HttpResponse:
    """Calls, panels, and applications that wait for one."""
    context = {
        "calls": access.people.calls(),
        "panels": access.office.panels(),
        "waiting": access.office.unassigned_applications(),
        "semesters": access.office.semesters(),
        "kinds": _KINDS,
        "instrument_types": sorted(access.configdb.observatory().instrument_types(include_unschedulable=True)),
    }
    return _show(request, "calls", **context)


@require_POST
@page(_SECTION)
def change_calls(request: HttpRequest, access: Access, deed: str) -> HttpResponse:
    """One of the forms on that page."""
    deeds: dict[str, tuple[Callable[[], object], str]] = {
        "call": (lambda: access.office.create_call(_call_form(request)), "The call is there."),
        "panel": (
            lambda: access.office.create_panel(
                request.POST.get("name", ""), _words(request, "members"), is_admin="is_admin" in request.POST
            ),
            "The panel is appointed.",
        ),
        "assign": (
            lambda: access.office.assign(
                _whole(request, "application"),
                _whole(request, "panel"),
                request.POST.get("primary", "").strip(),
                request.POST.get("secondary", "").strip(),
            ),
            "The panel has been asked for its reviews.",
        ),
    }
    if deed not in deeds:
        raise Http404(f"Nothing on this page is called {deed}.")
    tried(request, *deeds[deed])
    return redirect("office-calls")


def _words(request: HttpRequest, name: str) -> list[str]:
    return request.POST.get(name, "").replace(",", " ").split()


def _call_form(request: HttpRequest) -> dict[str, Any]:
    texts = ("semester", "proposal_type", "eligibility", "eligibility_short")
    return {
        **{name: request.POST.get(name, "") for name in texts},
        "opens": _moment(request.POST.get("opens", "")),
        "deadline": _moment(request.POST.get("deadline", "")),
        "instrument_types": request.POST.getlist("instrument_types"),
    }


def _moment(text: str) -> str:
    """What a browser's field for a moment holds, as UTC."""
    return f"{text}Z" if text and not text.endswith("Z") else text
