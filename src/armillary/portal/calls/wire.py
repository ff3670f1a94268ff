"""How calls, applications and reviews look on the wire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from armillary.accounts.models import User
from armillary.accounts.queries import profile_of
from armillary.core.observatory import Observatory
from armillary.platform.wire import wire_time
from armillary.portal.calls.models import (
    Call,
    ScienceApplication,
    ScienceApplicationReview,
    ScienceApplicationUserReview,
    TimeRequest,
)
from armillary.portal.calls.queries import (
    collaborations_of,
    eligible_semesters,
    panel_sizes,
    time_asked_by_telescope,
)
from armillary.portal.proposals.models import ScienceCollaborationAllocation

_LONG_TERM = "long-term"


def telescope_names(observatory: Observatory) -> dict[str, str]:
    """The name (small letters, as at the reference) of the first telescope with each type of instrument."""
    found: dict[str, str] = {}
    for telescope in observatory.telescopes():
        for instrument in telescope.instruments:
            found.setdefault(instrument.type.code.upper(), telescope.name.lower())
    return found


def calls(rows: Sequence[Call], user: User, moment: datetime, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Calls, as a person sees them."""
    semesters = eligible_semesters(rows, moment)
    shared = [row for row in rows if row.proposal_type == Call.ProposalType.COLAB]
    asked = time_asked_by_telescope(user, shared, dict(names)) if shared else {}
    return [
        {
            "id": row.pk,
            "semester": row.semester_id,
            "eligible_semesters": semesters[row.pk],
            "proposal_type": row.proposal_type,
            "proposal_type_display": row.get_proposal_type_display(),
            "eligibility_short": row.eligibility_short,
            "eligibility": row.eligibility,
            "opens": wire_time(row.opens),
            "deadline": wire_time(row.deadline),
            "instruments": [
                {
                    "id": instrument.pk,
                    "code": instrument.code,
                    "name": instrument.display,
                    "telescope_name": names.get(instrument.code.upper(), ""),
                }
                for instrument in row.instruments.all()
            ],
            "time_requested": asked.get(row.pk),
        }
        for row in rows
    ]


def applications(rows: Sequence[ScienceApplication], names: Mapping[str, str], base_url: str) -> list[dict[str, Any]]:
    """Applications."""
    owners = collaborations_of({row.submitter_id for row in rows})
    return [_application(row, owners[row.submitter_id], names, base_url) for row in rows]


def _application(
    row: ScienceApplication, owner: ScienceCollaborationAllocation, names: Mapping[str, str], base_url: str
) -> dict[str, Any]:
    submitter = row.submitter
    return {
        "id": row.pk,
        "title": row.title,
        "abstract": row.abstract,
        "status": row.status,
        "tac_rank": row.tac_rank,
        "call": {
            "id": row.call_id,
            "semester": row.call.semester_id,
            "proposal_type": row.call.proposal_type,
            "proposal_type_display": row.call.get_proposal_type_display(),
            "deadline": wire_time(row.call.deadline),
            "eligibility": row.call.eligibility,
        },
        "pi": row.pi,
        "pi_first_name": row.pi_first_name,
        "pi_last_name": row.pi_last_name,
        "pi_institution": row.pi_institution,
        "timerequest_set": [_time_request(wish, names) for wish in row.timerequest_set.all()],
        "tags": row.tags,
        "coinvestigator_set": [
            {
                "first_name": person.first_name,
                "last_name": person.last_name,
                "institution": person.institution,
                "email": person.email,
            }
            for person in row.coinvestigator_set.all()
        ],
        "pdf": f"{base_url}/api/scienceapplications/{row.pk}/attachment/" if row.pdf else None,
        "sca": {"id": owner.pk, "name": owner.name},
        "submitter": {
            "first_name": submitter.first_name,
            "last_name": submitter.last_name,
            "institution": profile_of(submitter).institution,
        },
        "submitted": wire_time(row.submitted),
        "proposal": row.proposal_id,
    }


def _time_request(wish: TimeRequest, names: Mapping[str, str]) -> dict[str, Any]:
    instruments = list(wish.instrument_types.all())
    return {
        "id": wish.pk,
        "semester": wish.semester_id,
        "std_time": wish.std_time,
        "rr_time": wish.rr_time,
        "tc_time": wish.tc_time,
        "telescope_names": [names.get(instrument.code.upper(), "") for instrument in instruments],
        "instrument_names": [instrument.display for instrument in instruments],
        "instrument_codes": [instrument.code for instrument in instruments],
        "instrument_types": [instrument.pk for instrument in instruments],
        "approved": wish.approved,
    }


# --- Reviews


def reviews(
    rows: Sequence[ScienceApplicationReview], user: User, base_url: str, *, administers: bool
) -> list[dict[str, Any]]:
    """Reviews, as a member of a panel sees them."""
    sizes = panel_sizes(rows)
    return [_review(row, user, base_url, sizes[row.pk], administers=administers) for row in rows]


def _review(
    row: ScienceApplicationReview, user: User, base_url: str, size: int, *, administers: bool
) -> dict[str, Any]:
    application = row.science_application
    opinions = list(row.scienceapplicationuserreview_set.all())
    mine = [opinion for opinion in opinions if opinion.reviewer_id == user.pk]
    is_primary, is_secondary = row.primary_reviewer_id == user.pk, row.secondary_reviewer_id == user.pk
    return {
        "id": row.pk,
        "science_category": row.get_science_category_display(),
        "technical_review": row.technical_review,
        "status": row.status,
        "mean_grade": None if row.mean_grade is None else str(row.mean_grade),
        "summary": row.summary,
        "title": application.title,
        "semester": application.call.semester_id,
        "abstract": application.abstract,
        "pdf_url": pdf_address(row, base_url),
        "completed": size == sum(opinion.finished for opinion in opinions),
        "can_summarize": administers or is_primary or is_secondary,
        "is_primary_reviewer": is_primary,
        "is_secondary_reviewer": is_secondary,
        "user_reviews": [opinion_of(opinion) for opinion in opinions],
        "my_review": opinion_of(mine[0]) if mine else None,
        "long_term": _LONG_TERM in application.tags,
        "total_requested_time_inst_code": _hours_by_codes(application),
        "application_id": application.pk,
        "secondary_notes": row.secondary_notes,
        "can_edit_secondary_notes": administers or is_secondary,
    }


def pdf_address(row: ScienceApplicationReview, base_url: str) -> str | None:
    """Where members of the panel download the anonymous PDF, if there is one."""
    return f"{base_url}/api/scienceapplication-reviews/{row.pk}/pdf/" if row.pdf else None


def opinion_of(opinion: ScienceApplicationUserReview) -> dict[str, Any]:
    """What one member thinks, inside the review."""
    return {
        "id": opinion.pk,
        "comments": opinion.comments,
        "finished": opinion.finished,
        "grade": _grade(opinion),
        "username": opinion.reviewer.username,
    }


def _grade(opinion: ScienceApplicationUserReview) -> str | None:
    return None if opinion.grade is None else f"{opinion.grade:.2f}"


def _hours_by_codes(application: ScienceApplication) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for wish in application.timerequest_set.all():
        codes = ", ".join(sorted(instrument.code for instrument in wish.instrument_types.all()))
        found[codes] += wish.std_time + wish.rr_time + wish.tc_time
    return dict(found)


def user_review(opinion: ScienceApplicationUserReview, base_url: str) -> dict[str, Any]:
    """What one member thinks, with what it is about."""
    review = opinion.science_application_review
    application = review.science_application
    return {
        "id": opinion.pk,
        "comments": opinion.comments,
        "finished": opinion.finished,
        "grade": _grade(opinion),
        "title": application.title,
        "semester": application.call.semester_id,
        "abstract": application.abstract,
        "pdf_url": pdf_address(review, base_url),
        "application_id": application.pk,
        "science_category": review.get_science_category_display(),
        "mean_grade": None if review.mean_grade is None else float(review.mean_grade),
        "status": review.status,
        "review_id": review.pk,
    }
