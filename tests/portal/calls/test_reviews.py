from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary.platform.models import OutboxMail
from armillary.portal.proposals.models import Membership, Proposal, ProposalInvite

pytestmark = pytest.mark.django_db
REVIEWS = "/api/scienceapplication-reviews/"
APPLICATIONS = "/api/scienceapplications/"


def test_the_panel_is_asked_by_mail(assigned: int) -> None:
    mails = OutboxMail.objects.filter(subject__startswith="Your review is wanted")
    assert sorted(mail.to[0] for mail in mails) == [
        f"{name}@panel.example" for name in ("halley", "lacaille", "messier")
    ]
    assert f"/reviews/{assigned}/" in mails[0].body


def test_the_mean_grade_is_that_of_finished_reviews(assigned: int, panel: dict[str, Any]) -> None:
    halley, lacaille = panel["clients"]["halley"], panel["clients"]["lacaille"]
    mine = f"{REVIEWS}{assigned}/my-review"
    assert halley.get(mine).status_code == 404
    assert halley.post(mine, {"comments": "Good.", "grade": 1.5, "finished": True}).status_code == 201
    assert halley.post(mine, {"comments": "Again."}).status_code == 409
    assert lacaille.post(mine, {"grade": 4, "finished": False}).status_code == 201
    assert halley.get(f"{REVIEWS}{assigned}/").json()["mean_grade"] == "1.50"
    assert lacaille.patch(mine, {"finished": True}).json()["mean_grade"] == 2.75
    shown = halley.get(f"{REVIEWS}{assigned}/").json()
    assert (shown["mean_grade"], shown["completed"]) == ("2.75", False)
    assert shown["my_review"]["grade"] == "1.50"


def test_only_leaders_summarize_and_only_the_second_notes(assigned: int, panel: dict[str, Any]) -> None:
    clients = panel["clients"]
    summary, notes = f"{REVIEWS}{assigned}/summary", f"{REVIEWS}{assigned}/secondary-notes"
    assert clients["halley"].put(summary, {"summary": "Yes"}).json() == {"summary": "Yes"}
    assert clients["lacaille"].get(summary).json() == {"summary": "Yes"}
    assert clients["messier"].put(summary, {"summary": "No"}).status_code == 403
    assert clients["halley"].put(notes, {"secondary_notes": "x"}).status_code == 403
    assert clients["lacaille"].put(notes, {"secondary_notes": "x"}).status_code == 200


def test_the_applicant_never_sees_the_review_even_on_the_panel(
    assigned: int, panel: dict[str, Any], astronomer: APIClient, world: dict[str, Any]
) -> None:
    from armillary.portal.calls.models import ReviewPanelMembership

    ReviewPanelMembership.objects.create(review_panel=panel["row"], user=world["astronomer"])
    assert astronomer.get(REVIEWS).json()["count"] == 0
    for place in ("", "my-review", "summary"):
        assert astronomer.get(f"{REVIEWS}{assigned}/{place}").status_code == 404


def test_a_member_with_a_conflict_abstains_and_counts_no_longer(assigned: int, panel: dict[str, Any]) -> None:
    messier = panel["clients"]["messier"]
    messier.post(f"{REVIEWS}{assigned}/my-review", {"grade": 5, "finished": True})
    assert messier.post(f"{REVIEWS}{assigned}/conflict/", {"reason": "We publish together."}).status_code == 200
    assert messier.get(f"{REVIEWS}{assigned}/").status_code == 404
    shown = panel["clients"]["halley"].get(f"{REVIEWS}{assigned}/").json()
    assert (shown["mean_grade"], shown["user_reviews"]) == (None, [])
    for name in ("halley", "lacaille"):
        panel["clients"][name].post(f"{REVIEWS}{assigned}/my-review", {"grade": 2, "finished": True})
    assert panel["clients"]["halley"].get(f"{REVIEWS}{assigned}/").json()["completed"] is True
    answer = panel["clients"]["halley"].post(f"{REVIEWS}{assigned}/conflict/", {"reason": "Me too."})
    assert answer.status_code == 400


def test_who_is_not_on_the_panel_sees_nothing(assigned: int, operator: APIClient, astronomer: APIClient) -> None:
    for client in (operator, astronomer):
        assert client.get(REVIEWS).json()["count"] == 0
        assert client.get(f"{REVIEWS}{assigned}/").status_code == 404
    assert APIClient().get(REVIEWS).status_code == 403


def test_acceptance_makes_proposal_time_people_and_letters_at_once(
    application: dict[str, Any], assigned: int, panel: dict[str, Any], operator: APIClient, world: dict[str, Any]
) -> None:
    panel["clients"]["halley"].put(f"{REVIEWS}{assigned}/summary", {"summary": "A fine idea."})
    OutboxMail.objects.all().delete()
    answer = operator.post(f"{APPLICATIONS}{application['id']}/accept/", {"tac_priority": 30, "tac_rank": 1})
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["status"], answer.json()["proposal"]) == ("PORTED", "ARMILLARY2027A-001")
    proposal = Proposal.objects.get(pk="ARMILLARY2027A-001")
    assert (proposal.tac_priority, proposal.title) == (30, application["title"])
    assert Membership.objects.get(proposal=proposal).user == world["astronomer"]
    assert Membership.objects.get(proposal=proposal).role == "PI"
    assert ProposalInvite.objects.get(proposal=proposal).email == "synesius@cyrene.example"
    shown = operator.get("/api/proposals/ARMILLARY2027A-001/").json()
    (allocation,) = shown["timeallocation_set"]
    assert (allocation["std_allocation"], allocation["rr_allocation"], allocation["semester"]) == (20.0, 2.0, "2027A")
    letter = OutboxMail.objects.get(subject__startswith="Your application has been accepted")
    assert letter.to == ["hypatia@alexandria.example"]
    assert "A fine idea." in letter.body
    assert "20" in letter.body
    again = operator.post(f"{APPLICATIONS}{application['id']}/accept/", {"tac_priority": 30, "tac_rank": 2})
    assert again.status_code == 409
    assert Proposal.objects.count() == 2
    late = panel["clients"]["halley"].post(f"{REVIEWS}{assigned}/my-review", {"grade": 1})
    assert late.status_code == 400


def test_what_fails_half_way_leaves_nothing_behind(application: dict[str, Any], operator: APIClient) -> None:
    body = {"tac_priority": 30, "tac_rank": 1, "proposal": "P1"}
    answer = operator.post(f"{APPLICATIONS}{application['id']}/accept/", body)
    assert answer.status_code == 400
    assert operator.get(f"{APPLICATIONS}{application['id']}/").json()["status"] == "SUBMITTED"
    assert not OutboxMail.objects.exists()
    for wrong in ({"tac_priority": 0, "tac_rank": 1}, {"tac_priority": 1, "tac_rank": 1, "grants": []}):
        assert operator.post(f"{APPLICATIONS}{application['id']}/accept/", wrong).status_code == 400
    assert Proposal.objects.count() == 1


def test_less_time_than_asked_can_be_given(application: dict[str, Any], operator: APIClient) -> None:
    grants = [{"id": application["timerequest_set"][0]["id"], "std_time": 7.5}]
    body = {"tac_priority": 3, "tac_rank": 2, "grants": grants, "proposal": "M15"}
    assert operator.post(f"{APPLICATIONS}{application['id']}/accept/", body).status_code == 200
    (allocation,) = operator.get("/api/proposals/M15/").json()["timeallocation_set"]
    assert (allocation["std_allocation"], allocation["rr_allocation"]) == (7.5, 0.0)


def test_a_rejection_is_told_with_the_reason(application: dict[str, Any], operator: APIClient) -> None:
    address = f"{APPLICATIONS}{application['id']}/reject/"
    assert operator.post(address, {"comments": "Too faint."}).json()["status"] == "REJECTED"
    assert "Too faint." in OutboxMail.objects.get().body
    assert operator.post(address).status_code == 409


def test_astronomers_and_panels_decide_nothing(
    application: dict[str, Any], assigned: int, astronomer: APIClient, panel: dict[str, Any]
) -> None:
    for client in (astronomer, panel["clients"]["halley"]):
        for verb in ("accept", "reject"):
            answer = client.post(f"{APPLICATIONS}{application['id']}/{verb}/", {"tac_priority": 1, "tac_rank": 1})
            assert answer.status_code == 403
        assert client.get(f"{REVIEWS}ranking/").status_code == 403
        assert client.post("/api/review-panels/", {"name": "Mine", "members": []}).status_code == 403
    assert assigned


def test_the_ranking_is_by_grade_with_the_ungraded_last(
    assigned: int, panel: dict[str, Any], operator: APIClient, astronomer: APIClient, form: dict[str, Any]
) -> None:
    form["pdf"].seek(0)
    second = astronomer.post(APPLICATIONS, {**form, "title": "Second"}, format="multipart").json()
    body = {
        "science_application": second["id"],
        "review_panel": panel["row"].pk,
        "primary_reviewer": "messier",
        "secondary_reviewer": "halley",
    }
    review = operator.post(REVIEWS, body).json()["id"]
    panel["clients"]["messier"].post(f"{REVIEWS}{review}/my-review", {"grade": 1, "finished": True})
    assert [row["title"] for row in operator.get(f"{REVIEWS}ranking/").json()] == ["Second", "Pulsating stars in M 15"]
    assert operator.get(f"{REVIEWS}ranking/?semester=1999A").json() == []
    assert assigned


def test_reviewers_must_sit_on_the_panel(
    application: dict[str, Any], panel: dict[str, Any], operator: APIClient
) -> None:
    body = {
        "science_application": application["id"],
        "review_panel": panel["row"].pk,
        "primary_reviewer": "hypatia",
        "secondary_reviewer": "halley",
    }
    assert "not a member" in str(operator.post(REVIEWS, body).json()["primary_reviewer"])
