from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from armillary import clock
from armillary.clients.errors import RequestRefused
from armillary.web.access import Access, page
from armillary.web.answers import sentences_of, tried

_TEXTS: Final = ("title", "abstract", "pi", "pi_first_name", "pi_last_name", "pi_institution")
_COINVESTIGATOR: Final = ("first_name", "last_name", "institution", "email")
_TIMES: Final = ("std_time", "rr_time", "tc_time")
_EMPTY_ROWS: Final = 2


@page("calls")
def calls(request: HttpRequest, access: Access) -> HttpResponse:
    """What can be applied for, and what the caller has applied for."""
    reviews = access.people.reviews()
    context = {
        "section": "calls",
        "now": clock.now(),
        "calls": access.people.calls(only_open=True),
        "applications": access.people.applications(),
        "reviews": reviews,
        "to_review": sum(not (it["my_review"] or {}).get("finished") for it in reviews),
        "ranking": _ranking(access),
    }
    return render(request, "armillary/calls.html", context)


def _ranking(access: Access) -> list[dict[str, Any]] | None:
    """What is to be decided, for those who decide; ``None`` for everybody else."""
    try:
        return access.people.ranking()
    except RequestRefused as refusal:
        if refusal.status != 403:
            raise
        return None


@require_POST
@page("calls")
def new_application(request: HttpRequest, access: Access, call_id: int) -> HttpResponse:
    """Begin an application: a draft with the caller as principal investigator."""
    del request
    person = access.people.profile()
    draft = access.people.save_application(
        {
            "call_id": call_id,
            "status": "DRAFT",
            "title": "Untitled",
            "pi": person["email"],
            "pi_first_name": person["first_name"],
            "pi_last_name": person["last_name"],
            "pi_institution": person["profile"]["institution"],
        }
    )
    return redirect("application", application_id=draft["id"])


@page("calls")
def application(request: HttpRequest, access: Access, application_id: int) -> HttpResponse:
    """An application: an editor while it is a draft, something to read afterwards."""
    found = access.people.application(application_id)
    context = {"section": "calls", "now": clock.now(), "application": found}
    if found["status"] != "DRAFT":
        return render(request, "armillary/application.html", context)
    call = access.people.call(found["call"]["id"])
    blank_time = {"semester": "", "instrument_types": [], "std_time": "", "rr_time": "", "tc_time": ""}
    context |= {
        "call": call,
        "wishes": [*found["timerequest_set"], *[blank_time] * _EMPTY_ROWS],
        "people": [*found["coinvestigator_set"], *[dict.fromkeys(_COINVESTIGATOR, "")] * _EMPTY_ROWS],
    }
    return render(request, "armillary/application_editor.html", context)


@require_POST
@page("calls")
def save(request: HttpRequest, access: Access, application_id: int) -> HttpResponse:
    """Save the draft, or submit it. The editor saves by itself (htmx) while somebody types."""
    status = "SUBMITTED" if "submit" in request.POST else "DRAFT"
    uploaded = request.FILES.get("pdf")
    pdf = (str(uploaded.name), uploaded.read()) if uploaded is not None else None
    fields = {**_fields(request), "status": status}
    is_automatic = "HX-Request" in request.headers
    try:
        access.people.save_application(fields, pdf, existing=application_id)
    except RequestRefused as refusal:
        if is_automatic and refusal.status == 404:  # it was submitted while this was under way
            return HttpResponse(status=204)
        if refusal.status != 400:
            raise
        problems = list(sentences_of(refusal.detail))
        if is_automatic:
            return render(request, "armillary/_saved.html", {"problems": problems, "now": clock.now()})
        if status == "SUBMITTED":  # what was typed is not lost because something is missing
            tried(
                request,
                lambda: access.people.save_application(fields | {"status": "DRAFT"}, pdf, existing=application_id),
                "Saved as a draft; it is not submitted yet.",
            )
        for problem in problems:
            messages.error(request, problem)
        return redirect("application", application_id=application_id)
    if is_automatic:
        return render(request, "armillary/_saved.html", {"now": clock.now()})
    messages.success(request, "The application is submitted." if status == "SUBMITTED" else "The draft is saved.")
    return redirect("application", application_id=application_id)


def _fields(request: HttpRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {"call_id": request.POST.get("call_id", "")}
    fields |= {name: request.POST.get(name, "") for name in _TEXTS}
    fields["title"] = fields["title"].strip() or "Untitled"
    if request.POST.get("tac_rank"):
        fields["tac_rank"] = request.POST["tac_rank"]
    if "clear_pdf" in request.POST and "pdf" not in request.FILES:
        fields["clear_pdf"] = "true"
    for number, tag in enumerate(request.POST.get("tags", "").replace(",", " ").split()):
        fields[f"tags[{number}]"] = tag
    fields |= _times(request) | _coinvestigators(request)
    return fields


def _times(request: HttpRequest) -> dict[str, Any]:
    """The rows of the table of time that name an instrument."""
    fields: dict[str, Any] = {}
    number = 0
    for row in range(len(request.POST.getlist("semester"))):
        instruments = request.POST.getlist(f"instruments-{row}")
        if not instruments:
            continue
        place = f"timerequest_set[{number}]"
        fields[f"{place}instrument_types"] = ",".join(instruments)
        fields[f"{place}semester"] = request.POST.getlist("semester")[row]
        for name in _TIMES:
            fields[f"{place}{name}"] = request.POST.getlist(name)[row] or 0
        number += 1
    return fields


def _coinvestigators(request: HttpRequest) -> dict[str, Any]:
    """The rows of the table of people that have an address."""
    fields: dict[str, Any] = {}
    columns = {name: request.POST.getlist(f"coinvestigator_{name}") for name in _COINVESTIGATOR}
    rows = [row for row, address in enumerate(columns["email"]) if address.strip()]
    for number, row in enumerate(rows):
        for name in _COINVESTIGATOR:
            fields[f"coinvestigator_set[{number}]{name}"] = columns[name][row]
    return fields


@require_POST
@page("calls")
def copy(request: HttpRequest, access: Access, application_id: int) -> HttpResponse:
    """Apply again with the same words."""
    tried(request, lambda: access.people.copy_application(application_id), "The copy is a new draft.")
    return redirect("calls")


@require_POST
@page("calls")
def delete(request: HttpRequest, access: Access, application_id: int) -> HttpResponse:
    """Delete a draft."""
    tried(request, lambda: access.people.delete_application(application_id), "The draft is deleted.")
    return redirect("calls")


@require_POST
@page("calls")
def decide(request: HttpRequest, access: Access, application_id: int) -> HttpResponse:
    """Accept or reject."""
    comments = request.POST.get("comments", "")
    if "reject" in request.POST:
        tried(request, lambda: access.people.reject_application(application_id, comments), "It is rejected.")
        return redirect("calls")
    numbers = [request.POST.get(name, "") for name in ("tac_priority", "tac_rank")]
    if not all(number.isdecimal() for number in numbers):
        messages.error(request, "Give priority and rank as whole numbers.")
        return redirect("calls")
    priority, rank = (int(number) for number in numbers)
    tried(
        request,
        lambda: access.people.accept_application(application_id, priority, rank, comments),
        "It is accepted: the proposal exists, and the letters are on their way.",
    )
    return redirect("calls")


# --- Reviews


@page("calls")
def reviews(request: HttpRequest, access: Access) -> HttpResponse:
    """The board: what the caller's panels judge."""
    context = {"section": "calls", "now": clock.now(), "reviews": access.people.reviews()}
    return render(request, "armillary/reviews.html", context)


@page("calls")
def review(request: HttpRequest, access: Access, review_id: int) -> HttpResponse:
    """One application under review."""
    found = access.people.review(review_id)
    if request.method == "POST":
        if "summary" in request.POST:
            tried(request, lambda: access.people.summarize(review_id, request.POST["summary"]), "The summary is saved.")
        else:
            opinion = {
                "comments": request.POST.get("comments", ""),
                "grade": request.POST.get("grade") or None,
                "finished": "finished" in request.POST,
            }
            is_new = found["my_review"] is None
            tried(
                request,
                lambda: access.people.write_review(review_id, opinion, new=is_new),
                "Your review is saved.",
            )
        return redirect("review", review_id=review_id)
    return render(request, "armillary/review.html", {"section": "calls", "now": clock.now(), "review": found})


@require_POST
@page("calls")
def conflict(request: HttpRequest, access: Access, review_id: int) -> HttpResponse:
    """Take no part."""
    reason = request.POST.get("reason", "")
    if tried(request, lambda: access.people.declare_conflict(review_id, reason), "You take no part in this review."):
        return redirect("reviews")
    return redirect("review", review_id=review_id)
