"""The observatory asks for proposals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from armillary.accounts import audit
from armillary.accounts.models import User
from armillary.platform.database import serialised
from armillary.platform.errors import Refusal
from armillary.portal.calls.models import Call, Instrument
from armillary.portal.proposals.models import Semester


@dataclass(frozen=True, slots=True)
class CallDetails:
    """What a call says."""

    semester: Semester
    proposal_type: str
    opens: datetime
    deadline: datetime
    instruments: Sequence[Instrument] = ()
    eligibility: str = ""
    eligibility_short: str = ""
    call_url: str = ""


@transaction.atomic
def create_call(details: CallDetails, *, actor: User | None = None) -> Call:
    """Ask for proposals.

    Raises:
        Refusal: The deadline is not after the opening.
    """
    call = _store(Call(), details)
    audit.record(actor, "call.create", str(call.pk), semester=details.semester.pk, kind=details.proposal_type)
    return call


@transaction.atomic
def change_call(call: Call, details: CallDetails, *, actor: User | None = None) -> Call:
    """Say something else; applications that were written already stay.

    Raises:
        Refusal: The deadline is not after the opening.
    """
    changed = _store(Call.objects.select_for_update().get(pk=call.pk), details)
    audit.record(actor, "call.change", str(call.pk), deadline=details.deadline.isoformat())
    return changed


def _store(call: Call, details: CallDetails) -> Call:
    if details.deadline <= details.opens:
        raise Refusal({"deadline": ["The deadline must be later than the opening of the call."]})
    if details.proposal_type not in Call.ProposalType.values:
        known = ", ".join(Call.ProposalType.values)
        raise Refusal({"proposal_type": [f"{details.proposal_type!r} is not one of {known}."]})
    call.semester = details.semester
    call.proposal_type = details.proposal_type
    call.opens, call.deadline = details.opens, details.deadline
    call.eligibility, call.eligibility_short = details.eligibility, details.eligibility_short
    call.call_url = details.call_url
    call.save()
    call.instruments.set(details.instruments)
    return call


@transaction.atomic
def offer_instruments(names: Mapping[str, str]) -> list[Instrument]:
    """The types of instruments that calls may offer, by code, with the names that people read; made if need be."""
    serialised("portal.calls.instruments")
    known = {row.code: row for row in Instrument.objects.filter(code__in=names)}
    for code, display in names.items():
        if code not in known:
            known[code] = Instrument.objects.create(code=code, display=display)
    return [known[code] for code in names]
