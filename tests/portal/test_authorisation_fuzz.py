"""Nobody reaches by number what their lists do not show, whatever the number and whatever the role.

Two proposals have things of every kind, with different people; every number of every thing is asked for in every role,
with every method.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from armillary.accounts import services as accounts
from armillary.accounts.models import User

from .calls.conftest import _files_of_the_test, call, form, pdf_file  # noqa: F401  what an application needs
from .conftest import IMAGER, client_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]

COLLECTIONS = (
    "requestgroups", "requests", "drafts", "observations", "proposals", "memberships", "invitations",
    "scienceapplications", "scienceapplication-reviews", "scienceapplication-user-reviews", "realtime",
)  # fmt: skip
VERBS = {
    "requestgroups": ("cancel",),
    "requests": ("airmass", "telescope_states", "observations", "history"),
    "proposals": ("notification", "invite", "globallimit", "ledger", "report", "allocations", "members"),
    "memberships": ("limit",),
    "scienceapplications": ("copy", "pdf", "attachment", "accept", "reject"),
    "scienceapplication-reviews": ("conflict", "pdf"),
}
PRIVILEGED = {"accept", "reject", "allocations", "members"}
"""Verbs for those who run the observatory, whom their lists do not bind."""


@pytest.fixture
def people(world: dict[str, Any], group: dict[str, Any], form: dict[str, Any]) -> dict[str, User | None]:  # noqa: F811
    """Two proposals with things of every kind, and people of every sort."""
    from armillary.portal.proposals.services import TimeGrant, add_member, create_proposal

    other = accounts.create_user("synesius", email="synesius@cyrene.example")
    helper = accounts.create_user("helper", email="helper@exh.example")
    second = create_proposal(
        "P2",
        title="Nebulae",
        pi=other,
        semester=world["semester"],
        hours=TimeGrant(std_h=10),
        instrument_types=[[IMAGER]],
    )
    add_member(world["proposal"], helper)
    add_member(second, helper)
    reviewer = accounts.create_user("halley", email="halley@panel.example")
    for leader, proposal in ((world["astronomer"], "P1"), (other, "P2")):
        client = client_of(leader)
        assert client.post("/api/requestgroups/", {**group, "proposal": proposal}).status_code == 201
        draft = {"title": "later", "proposal": proposal, "content": "{}"}
        assert client.post("/api/drafts/", draft).status_code == 201
        assert (
            client.post(f"/api/proposals/{proposal}/invite/", {"emails": [f"x@{proposal}.example"]}).status_code == 200
        )
        application = client.post("/api/scienceapplications/", {**form, "pdf": pdf_file()}, format="multipart")
        assert application.status_code == 201, application.json()
    _reviews(reviewer)
    return {
        "stranger": None,
        "bystander": accounts.create_user("bystander"),
        "leader": world["astronomer"],
        "other leader": other,
        "helper": helper,
        "reviewer": reviewer,
        "porter": accounts.create_user("porter", is_staff=True),
        "overseer": world["operator"],
    }


def _reviews(reviewer: User) -> None:
    from armillary.portal.calls.services import assign_review, create_panel, review
    from armillary.portal.models import ScienceApplication

    panel = create_panel("Stars", [reviewer])
    for application in ScienceApplication.objects.all():
        row = assign_review(application, panel, reviewer, reviewer)
        review(row, reviewer, {"comments": "Good."}, new=True)


def numbers_of(collection: str) -> list[Any]:
    """The numbers of everything that there is, asked of the tables themselves."""
    from armillary.portal import models

    rows: dict[str, Any] = {
        "requestgroups": models.RequestGroup, "requests": models.Request, "drafts": models.DraftRequestGroup,
        "observations": models.Observation, "proposals": models.Proposal, "memberships": models.Membership,
        "invitations": models.ProposalInvite, "scienceapplications": models.ScienceApplication,
        "scienceapplication-reviews": models.ScienceApplicationReview,
        "scienceapplication-user-reviews": models.ScienceApplicationUserReview, "realtime": models.Observation,
    }  # fmt: skip
    return list(rows[collection].objects.values_list("pk", flat=True))


def listed(client: APIClient, collection: str) -> set[Any]:
    answer = client.get(f"/api/{collection}/", {"limit": 100})
    return {item["id"] for item in answer.json()["results"]} if answer.status_code == 200 else set()


def test_what_a_list_does_not_show_cannot_be_read_by_number(people: dict[str, User | None]) -> None:
    looked = 0
    for role, person in people.items():
        client = client_of(person)
        for collection in COLLECTIONS:
            seen = listed(client, collection)
            for number in [*numbers_of(collection), 999_999_999]:
                status = client.get(f"/api/{collection}/{number}/").status_code
                assert (status == 200) == (number in seen), f"{role} {collection} {number}: {status}, listed: {seen}"
                looked += 1
    assert looked > 150


def test_what_a_list_does_not_show_cannot_be_changed_by_number(people: dict[str, User | None]) -> None:
    for role, person in people.items():
        client = client_of(person)
        for collection in COLLECTIONS:
            hidden = set(numbers_of(collection)) - listed(client, collection)
            for number in sorted(hidden, key=str):
                for method, path in attempts(collection, number):
                    assert_refused(client, role, method, path)


def attempts(collection: str, number: Any) -> list[tuple[str, str]]:
    """Every way to touch a thing."""
    whole = f"/api/{collection}/{number}/"
    found = [(method, whole) for method in ("put", "patch", "delete")]
    verbs = [verb for verb in VERBS.get(collection, ()) if verb not in PRIVILEGED]
    return found + [(method, f"{whole}{verb}/") for verb in verbs for method in ("get", "post")]


def assert_refused(client: APIClient, role: str, method: str, path: str) -> None:
    with transaction.atomic():
        answer = getattr(client, method)(path, {} if method == "get" else {"title": "mine now"})
        answer.close()  # files
        status = answer.status_code
        transaction.set_rollback(True)
    expected = {403, 404, 405}
    if role == "porter" and path.startswith("/api/proposals/") and method == "patch":
        expected = {200, 400}  # the office writes proposals whose requests it does not see
    assert status in expected, f"{method} {path} as {role}: {status}"


def test_privileged_verbs_are_for_the_privileged(people: dict[str, User | None]) -> None:
    for role, person in people.items():
        client = client_of(person)
        for collection, verbs in VERBS.items():
            for verb in PRIVILEGED & set(verbs):
                for number in numbers_of(collection):
                    with transaction.atomic():
                        status = client.post(f"/api/{collection}/{number}/{verb}/", {}).status_code
                        transaction.set_rollback(True)
                    assert (status == 403) == (role not in {"porter", "overseer"}), f"{role} {verb} {number}: {status}"


ODD = ("0", "-1", "1e9", "99999999999999999999", "%00", "'", "..", "null", "☃")


def test_odd_numbers_are_not_found(astronomer: APIClient) -> None:
    for collection in COLLECTIONS:
        for number in ODD:
            status = astronomer.get(f"/api/{collection}/{number}/").status_code
            assert status in {400, 404}, f"{collection} {number}: {status}"
