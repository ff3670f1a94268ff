"""What an application for time must be like."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from armillary.portal.calls.models import Call, Instrument, ScienceApplication
from armillary.portal.proposals.models import Semester

MOST_WORDS: Final = 500
_REQUIRED: Final = "This field is required."
_PDF_REQUIRED: Final = "A PDF is required for submission."
_CLEARED: Final = (
    f"{_PDF_REQUIRED} If you want to clear the uploaded PDF, please either upload a different PDF or save the "
    "application as a draft."
)
_DUPLICATE: Final = (
    "You cannot create more than one time request for the same semester and instrument_type. "
    "Please consolidate your time requests."
)
_PEOPLE: Final = ("pi", "pi_first_name", "pi_last_name", "pi_institution")
_ALSO_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    Call.ProposalType.DDT: ("pdf",),
    Call.ProposalType.COLAB: ("abstract", "tac_rank"),
}
_REQUIRED_OTHERWISE: Final = ("abstract", "pdf")


@dataclass(frozen=True, slots=True)
class TimeWish:
    """Hours that an application asks for."""

    semester: Semester
    instruments: tuple[Instrument, ...]
    std_h: int
    rr_h: int
    tc_h: int


@dataclass(frozen=True, slots=True)
class Person:
    """A co-investigator of an application."""

    email: str
    first_name: str
    last_name: str
    institution: str


@dataclass(frozen=True, slots=True)
class ApplicationForm:
    """What an applicant has filled in; texts that were left out are empty."""

    call: Call
    title: str
    status: str
    texts: Mapping[str, str]
    """``abstract``, ``pi``, ``pi_first_name``, ``pi_last_name``, ``pi_institution``."""
    tac_rank: int | None = None
    time: Sequence[TimeWish] = ()
    coinvestigators: Sequence[Person] = ()
    tags: Sequence[str] = ()
    pdf: Any = None
    """An uploaded file."""
    clear_pdf: bool = False

    @property
    def is_submission(self) -> bool:
        """Whether the applicant is done."""
        return self.status == ScienceApplication.Status.SUBMITTED


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the rules need to know of a call."""

    semesters: Collection[str]
    instruments: Collection[int] = field(default_factory=frozenset)


def errors_of(form: ApplicationForm, call: CallFacts, *, has_pdf: bool) -> dict[str, Any]:
    """Everything that is wrong with a form, by field; empty if it may be stored.

    Args:
        form: What was filled in.
        call: What the call allows.
        has_pdf: Whether a PDF was stored with the application before.
    """
    found: dict[str, Any] = {}
    if len(form.texts.get("abstract", "").split(" ")) > MOST_WORDS:
        found["abstract"] = [f"Abstract is limited to {MOST_WORDS} words."]
    if any(duplicates := _duplicates(form.time)):
        found["timerequest_set"] = duplicates
    if not found and (sentence := next(_contradictions(form, call), None)):
        found["non_field_errors"] = [sentence]
    if not found and form.is_submission:
        found = _missing(form, has_pdf=has_pdf)
    return found


def _duplicates(wishes: Sequence[TimeWish]) -> list[dict[str, list[str]]]:
    seen: set[tuple[str, int]] = set()
    errors: list[dict[str, list[str]]] = []
    for wish in wishes:
        keys = {(wish.semester.pk, instrument.pk) for instrument in wish.instruments}
        errors.append({"instrument_types": [_DUPLICATE]} if keys & seen else {})
        seen |= keys
    return errors


def _contradictions(form: ApplicationForm, call: CallFacts) -> Iterator[str]:
    is_collaboration = form.call.proposal_type == Call.ProposalType.COLAB
    if form.pdf is not None and form.clear_pdf:
        yield "Please either upload a PDF or clear the stored one, not both."
    if form.pdf is not None and is_collaboration:
        yield "Science collaboration proposals do not have pdfs."
    if not {wish.semester.pk for wish in form.time} <= set(call.semesters):
        names = ", ".join(call.semesters)
        yield f"The semesters set for the time requests of this application must be one of [{names}]"
    if not {instrument.pk for wish in form.time for instrument in wish.instruments} <= set(call.instruments):
        names = ", ".join(str(number) for number in sorted(call.instruments))
        yield f"The instrument IDs set for the time requests of this application must be one of [{names}]"
    if form.tac_rank and not is_collaboration:
        yield f"{form.call.get_proposal_type_display()} applications are not allowed to set tac_rank"


def _missing(form: ApplicationForm, *, has_pdf: bool) -> dict[str, Any]:
    if not form.time:
        return {"non_field_errors": ["You must provide at least one time request to submit an application"]}
    needed = (*_PEOPLE, *_ALSO_REQUIRED.get(form.call.proposal_type, _REQUIRED_OTHERWISE))
    found: dict[str, Any] = {}
    for name in needed:
        if name == "pdf":
            if form.pdf is None and form.clear_pdf:
                found["clear_pdf"] = [_CLEARED]
            elif form.pdf is None and not has_pdf:
                found["pdf"] = [_PDF_REQUIRED]
        elif name == "tac_rank":
            if form.tac_rank is None:
                found[name] = [_REQUIRED]
        elif not form.texts.get(name):
            found[name] = [_REQUIRED]
    return found
