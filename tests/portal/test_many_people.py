"""Many people invite, join, decide and grant at once; what must never happen, does not. On both databases alike."""

from __future__ import annotations

from typing import Any

import pytest

from armillary.accounts import services as accounts
from armillary.accounts.models import User
from armillary.platform.models import OutboxMail
from armillary.portal.models import LedgerEntry, Membership, Proposal, ProposalInvite, TimeAllocation

from .calls.conftest import _files_of_the_test, application, call, form  # noqa: F401  what an application needs
from .conftest import IMAGER, client_of
from .test_many_writers import WRITERS, at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _one_connection_for_nested_requests() -> None:
    """Here every thread has a connection of its own, and no transaction surrounds the test."""


def statuses(answers: list[Any]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_one_invitation_lets_one_person_in(world: dict[str, Any]) -> None:
    from armillary.portal.proposals.invitations import invitation_key

    client_of(world["astronomer"]).post("/api/proposals/P1/invite/", {"emails": ["new@cyrene.example"]})
    key = invitation_key(ProposalInvite.objects.get())
    people = [accounts.create_user(f"person{number}") for number in range(WRITERS)]
    answers = at_once(lambda person: client_of(person).post("/api/invitations/accept/", {"key": key}), people)
    assert statuses(answers) == [200, *[400] * (WRITERS - 1)]
    assert Membership.objects.filter(role="CI").count() == 1


def test_an_address_that_many_invite_gets_one_invitation(world: dict[str, Any]) -> None:
    body = {"emails": ["new@cyrene.example", "other@cyrene.example"]}
    backwards = {"emails": body["emails"][::-1]}
    answers = at_once(
        lambda number: client_of(world["astronomer"]).post(
            "/api/proposals/P1/invite/", backwards if number % 2 else body
        ),
        list(range(WRITERS)),
    )
    assert set(statuses(answers)) == {200}
    assert sorted(ProposalInvite.objects.values_list("email", flat=True)) == body["emails"]


def test_who_registers_while_being_invited_is_a_member_afterwards(world: dict[str, Any]) -> None:
    from django.core import signing

    from armillary.accounts.services.registration import _SALT, activate

    people = [
        accounts.register(username=f"person{number}", email=f"person{number}@cyrene.example", password="x" * 20)
        for number in range(WRITERS // 2)
    ]

    def invite_or_arrive(deed: tuple[str, User]) -> None:
        kind, person = deed
        if kind == "arrive":
            activate(signing.dumps(person.username, salt=_SALT))
        else:
            answer = client_of(world["astronomer"]).post("/api/proposals/P1/invite/", {"emails": [person.email]})
            assert answer.status_code == 200, answer.json()

    at_once(invite_or_arrive, [(kind, person) for person in people for kind in ("invite", "arrive")])
    members = set(Membership.objects.filter(role="CI").values_list("user__username", flat=True))
    assert members == {person.username for person in people}
    assert not ProposalInvite.objects.filter(used__isnull=True).exists()


def test_an_application_is_accepted_once(world: dict[str, Any], application: dict[str, Any]) -> None:  # noqa: F811
    decisions = [{"tac_priority": 10, "tac_rank": number + 1} for number in range(WRITERS)]
    path = f"/api/scienceapplications/{application['id']}/accept/"
    answers = at_once(lambda body: client_of(world["operator"]).post(path, body), decisions)
    assert statuses(answers) == [200, *[409] * (WRITERS - 1)]
    (proposal,) = Proposal.objects.exclude(pk="P1")
    assert TimeAllocation.objects.get(proposal=proposal).entries.filter(account="std", kind="grant").count() == 1
    assert OutboxMail.objects.filter(subject__startswith="Your application has been accepted").count() == 1


def test_time_that_many_give_adds_up_in_one_allocation(world: dict[str, Any]) -> None:
    body = {"semester": "2026B", "instrument_types": ["0M6-GUIDER"], "std_allocation": 1.5, "reason": "more"}
    from armillary.portal.proposals.services import TimeGrant, give_time

    def give(_: int) -> None:
        give_time(
            world["proposal"], world["semester"], body["instrument_types"], TimeGrant(std_h=1.5),
            actor=world["operator"], reason="more",
        )  # fmt: skip

    at_once(give, list(range(WRITERS)))
    allocation = TimeAllocation.objects.get(instrument_types=["0M6-GUIDER"])
    entries = LedgerEntry.objects.filter(allocation=allocation, account="std")
    assert sum(entry.amount_us for entry in entries) == WRITERS * 5_400_000_000


def test_time_is_not_taken_back_twice(world: dict[str, Any]) -> None:
    allocation = TimeAllocation.objects.get(instrument_types=[IMAGER])
    path = f"/api/proposals/P1/allocations/{allocation.pk}/"
    body = {"std_allocation": -60, "reason": "less"}
    answers = at_once(lambda _: client_of(world["operator"]).post(path, body), list(range(WRITERS)))
    assert statuses(answers) == [200, *[400] * (WRITERS - 1)]


def test_unused_time_is_rolled_over_once(world: dict[str, Any]) -> None:
    office = client_of(world["operator"])
    office.post("/api/semesters/", {"id": "2027A", "start": "2027-02-01T00:00:00Z", "end": "2027-08-01T00:00:00Z"})
    answers = at_once(
        lambda _: client_of(world["operator"]).post("/api/semesters/2026B/rollover/", {"to": "2027A"}),
        list(range(WRITERS)),
    )
    assert set(statuses(answers)) == {200}
    for allocation in TimeAllocation.objects.filter(semester="2027A"):
        assert allocation.entries.filter(account="std", kind="grant").count() == 1


def test_two_leaders_who_demote_each_other_leave_one(world: dict[str, Any]) -> None:
    synesius = accounts.create_user("synesius")
    office = client_of(world["operator"])
    office.post("/api/proposals/P1/members/", {"username": "synesius", "role": "PI"})
    names = ["hypatia", synesius.username] * (WRITERS // 2)
    at_once(
        lambda name: client_of(world["operator"]).post("/api/proposals/P1/members/", {"username": name, "role": "CI"}),
        names,
    )
    assert Membership.objects.filter(proposal="P1", role="PI").count() == 1
