"""Calls, applications and reviews of a dump of an OCS portal.

Attached files are not in a dump: copy the directory of the old portal's media into this one's; names are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from armillary.accounts.models import User
from armillary.portal.calls.models import (
    Call,
    CoInvestigator,
    Instrument,
    ReviewPanel,
    ReviewPanelMembership,
    ScienceApplication,
    ScienceApplicationReview,
    ScienceApplicationUserReview,
    TimeRequest,
)
from armillary.portal.proposals.models import ScienceCollaborationAllocation
from armillary.portal.takeover.dump import Dump, moments

_OCS_COLLABORATION: Final = "LCO"
"""The collaboration that OCS gives to applications of people who administer none."""
_CALL: Final = ("call_url", "proposal_type", "eligibility", "eligibility_short")
_APPLICATION: Final = (
    "title",
    "abstract",
    "pi",
    "pi_first_name",
    "pi_last_name",
    "pi_institution",
    "status",
    "tac_rank",
    "tac_priority",
    "pdf",
    "tags",
    "notes",
)
_TIME: Final = ("std_time", "rr_time", "tc_time", "approved")
_PERSON: Final = ("email", "first_name", "last_name", "institution")
_REVIEW: Final = (
    "science_category",
    "technical_review",
    "status",
    "summary",
    "secondary_notes",
    "mean_grade",
    "pdf",
    "accepted_priority",
)


def take_over_applications(dump: Dump, people: Mapping[int, User]) -> None:
    """Create or update everything about calls, applications and reviews."""
    _take_over_calls(dump)
    _take_over_applications(dump, people)
    _take_over_reviews(dump, people)


def _picked(item: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: item[name] for name in names if name in item}


def _take_over_calls(dump: Dump) -> None:
    for item in dump.of("sciapplications.instrument"):
        values = {"code": item["code"], "display": item["display"]}
        Instrument.objects.update_or_create(pk=item["pk"], defaults=values)
    for item in dump.of("sciapplications.call"):
        values = {**_picked(item, _CALL), **moments(item, "opens", "deadline"), "semester_id": item["semester"]}
        call, _ = Call.objects.update_or_create(pk=item["pk"], defaults=values)
        call.instruments.set(item["instruments"])
    if dump.of("sciapplications.call"):
        ScienceCollaborationAllocation.objects.get_or_create(pk=_OCS_COLLABORATION)


def _take_over_applications(dump: Dump, people: Mapping[int, User]) -> None:
    for item in dump.of("sciapplications.scienceapplication"):
        values = {
            **_picked(item, _APPLICATION),
            **moments(item, "created", "modified", "submitted"),
            "call_id": item["call"],
            "submitter": people[item["submitter"]],
            "proposal_id": item["proposal"],
        }
        ScienceApplication.objects.update_or_create(pk=item["pk"], defaults=values)
    for item in dump.of("sciapplications.timerequest"):
        owner = {"science_application_id": item["science_application"], "semester_id": item["semester"]}
        wish, _ = TimeRequest.objects.update_or_create(pk=item["pk"], defaults={**_picked(item, _TIME), **owner})
        wish.instrument_types.set(item["instrument_types"])
    for item in dump.of("sciapplications.coinvestigator"):
        values = {**_picked(item, _PERSON), "science_application_id": item["science_application"]}
        CoInvestigator.objects.update_or_create(pk=item["pk"], defaults=values)


def _take_over_reviews(dump: Dump, people: Mapping[int, User]) -> None:
    for item in dump.of("sciapplications.reviewpanel"):
        values = {"name": item["name"], "is_admin": item["is_admin"]}
        ReviewPanel.objects.update_or_create(pk=item["pk"], defaults=values)
    for item in dump.of("sciapplications.reviewpanelmembership"):
        ReviewPanelMembership.objects.get_or_create(
            review_panel_id=item["review_panel"], user=people[item["user"]], defaults={"pk": item["pk"]}
        )
    for item in dump.of("sciapplications.scienceapplicationreview"):
        values = {
            **_picked(item, _REVIEW),
            **moments(item, "created_at", "submitter_notified"),
            "review_panel_id": item["review_panel"],
            "primary_reviewer": people[item["primary_reviewer"]],
            "secondary_reviewer": people[item["secondary_reviewer"]],
            "science_application_id": item["science_application"],
        }
        ScienceApplicationReview.objects.update_or_create(pk=item["pk"], defaults=values)
    for item in dump.of("sciapplications.scienceapplicationuserreview"):
        values = {
            **_picked(item, ("comments", "finished", "grade")),
            **moments(item, "created_at"),
            "science_application_review_id": item["science_application_review"],
            "reviewer": people[item["reviewer"]],
        }
        ScienceApplicationUserReview.objects.update_or_create(pk=item["pk"], defaults=values)
