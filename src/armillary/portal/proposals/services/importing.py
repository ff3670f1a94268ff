"""Proposals with their people and time, from a table: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from armillary.accounts import audit
from armillary.accounts.models import User
from armillary.core.proposals.ledger import Account
from armillary.platform.refusals import Refusal
from armillary.portal.proposals.invitations import add_or_invite
from armillary.portal.proposals.models import Membership, Proposal, Semester, TimeAllocation
from armillary.portal.proposals.queries import accounted_allocations
from armillary.portal.proposals.services.granting import TimeGrant, create_proposal, grant_time

_HOURS: Final = {
    "normal_time": Account.STANDARD,
    "rapid_response_time": Account.RAPID_RESPONSE,
    "time_critical_time": Account.TIME_CRITICAL,
    "realtime_time": Account.REALTIME,
}
REQUIRED: Final = ("proposal_id", "title", "instrument_types", "pi_email")
COLUMNS: Final = (
    *REQUIRED,
    *_HOURS,
    "abstract",
    "cois_email",
    "semester",
    "tac_priority",
    "tac_rank",
    "tags",
    "collaboration",
    "active",
)
"""What a table of proposals may have; addresses, instrument types and tags are separated by ``;``."""
_YES: Final = frozenset({"1", "yes", "true", "y"})
_NO: Final = frozenset({"0", "no", "false", "n"})


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """What became of one line."""

    line: int
    proposal: str
    outcome: str
    """``created``, ``extended`` (time was added to a proposal that was there) or ``unchanged``."""
    people: tuple[str, ...]
    hours: Mapping[str, float]


@dataclass(slots=True)
class _Row:
    line: int
    values: Mapping[str, str]
    errors: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.values.get(name, "")

    def words(self, name: str) -> list[str]:
        return [word.strip() for word in self.text(name).split(";") if word.strip()]

    def wrong(self, name: str, sentence: str) -> None:
        self.errors.setdefault(name, []).append(sentence)

    def number(self, name: str, default: float) -> float:
        text = self.text(name)
        try:
            value = float(text) if text else default
        except ValueError:
            value = -1.0
        if not 0 <= value < 1_000_000:  # this refuses what is not a number, too
            self.wrong(name, f"{text!r} is not a number from 0 up.")
            return default
        return value

    def addresses(self, name: str) -> list[str]:
        found = self.words(name)
        for address in found:
            try:
                validate_email(address)
            except ValidationError:
                self.wrong(name, f"{address!r} is not an e-mail address.")
        return found

    def flag(self, name: str, *, default: bool) -> bool:
        text = self.text(name).casefold()
        if text and text not in _YES | _NO:
            self.wrong(name, f"{text!r} is neither yes nor no.")
        return text in _YES if text else default


@transaction.atomic
def import_proposals(
    rows: Sequence[Mapping[str, str]],
    *,
    actor: User,
    instrument_types: Collection[str],
    semester: Semester | None = None,
    dry_run: bool = False,
) -> list[ImportedRow]:
    """Create proposals with time, members and invitations from the lines of a table.

    A line whose proposal is there and has at least these hours changes nothing, so a table may be imported again; the
    missing hours are added.

    Args:
        rows: Values by column (``COLUMNS``), as text; the first is line 2 of the table.
        actor: Who does it.
        instrument_types: Those that the observatory has.
        semester: For lines that name none.
        dry_run: Only say what would happen.

    Raises:
        Refusal: ``{"rows": {line: {column: [sentences]}}}``: everything that is wrong, in all lines at once.
    """
    lines = [_Row(number, row) for number, row in enumerate(rows, start=2)]
    semesters = Semester.objects.in_bulk()
    found = [_import(row, actor, instrument_types, semesters, semester) for row in lines]
    if errors := {str(row.line): row.errors for row in lines if row.errors}:
        raise Refusal({"rows": errors})
    if dry_run:
        transaction.set_rollback(True)
    else:
        audit.record(
            actor, "proposal.import", f"{len(found)} lines", proposals=[item.proposal for item in found if item]
        )
    return [item for item in found if item is not None]


def _import(
    row: _Row,
    actor: User,
    instrument_types: Collection[str],
    semesters: Mapping[str, Semester],
    default: Semester | None,
) -> ImportedRow | None:
    for name in REQUIRED:
        if not row.text(name):
            row.wrong(name, "This field is required.")
    codes = row.words("instrument_types")
    for code in codes:
        if code not in instrument_types:
            row.wrong(
                "instrument_types", f"The observatory has no {code!r}; it has {', '.join(sorted(instrument_types))}."
            )
    semester = semesters.get(row.text("semester")) if row.text("semester") else default
    if semester is None:
        row.wrong("semester", f"There is no semester {row.text('semester')!r}; known: {', '.join(sorted(semesters))}.")
    leader, others = row.addresses("pi_email"), row.addresses("cois_email")
    hours = {account: row.number(name, 0.0) for name, account in _HOURS.items()}
    details = _details(row)
    if row.errors or semester is None:
        return None
    try:
        return _store(row, actor, semester, codes, hours, details, [(leader[0], "PI"), *((it, "CI") for it in others)])
    except Refusal as refusal:
        row.errors.update(
            refusal.errors if isinstance(refusal.errors, dict) else {"proposal_id": [str(refusal.errors)]}
        )
        return None


def _details(row: _Row) -> dict[str, Any]:
    return {
        "title": row.text("title")[:255],
        "abstract": row.text("abstract"),
        "tac_priority": int(row.number("tac_priority", 10)),
        "tac_rank": int(row.number("tac_rank", 0)),
        "tags": row.words("tags"),
        "active": row.flag("active", default=True),
        **({"collaboration": row.text("collaboration")} if row.text("collaboration") else {}),
    }


def _store(
    row: _Row,
    actor: User,
    semester: Semester,
    codes: Sequence[str],
    hours: Mapping[Account, float],
    details: Mapping[str, Any],
    people: Sequence[tuple[str, str]],
) -> ImportedRow:
    name = row.text("proposal_id")
    proposal = Proposal.objects.filter(pk=name).first()
    is_new = proposal is None
    if proposal is None:
        proposal = create_proposal(name, **details)
    missing = _missing(proposal, semester, codes, hours)
    if any(missing.values()):
        grant = TimeGrant(
            std_h=missing[Account.STANDARD],
            rr_h=missing[Account.RAPID_RESPONSE],
            tc_h=missing[Account.TIME_CRITICAL],
            realtime_h=missing[Account.REALTIME],
        )
        grant_time(proposal, semester, codes, grant, actor=actor, reason="imported from a table")
    added = [address for address, role in people if _join(proposal, actor, address, role)]
    outcome = "created" if is_new else "extended" if any(missing.values()) or added else "unchanged"
    return ImportedRow(
        row.line, name, outcome, tuple(added), {str(it): value for it, value in missing.items() if value}
    )


def _missing(
    proposal: Proposal, semester: Semester, codes: Sequence[str], hours: Mapping[Account, float]
) -> dict[Account, float]:
    """The hours that a table names and the proposal does not have yet."""
    rows = TimeAllocation.objects.filter(proposal=proposal, semester=semester)
    same = [item for item in accounted_allocations(rows) if set(item.row.instrument_types) == set(codes)]
    granted = {account: sum(item.accounts[account].granted_h for item in same) for account in hours}
    return {account: max(0.0, value - granted[account]) for account, value in hours.items()}


def _join(proposal: Proposal, actor: User, address: str, role: str) -> bool:
    """Make somebody a member, or invite them, unless that was done before; whether it was not."""
    member = Membership.objects.filter(proposal=proposal, user__email__iexact=address).exists()
    if member or proposal.proposalinvite_set.filter(email__iexact=address, used__isnull=True).exists():
        return False
    add_or_invite(proposal, actor, address, role=role)
    return True
