"""The observatory's office: semesters, proposals, time, members, tables, roll-over; and the record of what it did."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from armillary.accounts import services as accounts
from armillary.accounts.models import AuditEntry
from armillary.platform.models import OutboxMail
from armillary.portal.models import LedgerEntry, Membership, Proposal, ProposalInvite, TimeAllocation

from .conftest import IMAGER, client_of

pytestmark = pytest.mark.django_db

NEXT = {"id": "2027A", "start": "2027-02-01T00:00:00Z", "end": "2027-08-01T00:00:00Z"}


@pytest.fixture
def office(world: dict[str, Any]) -> APIClient:
    """Somebody of the office: staff without the view of everybody's requests."""
    del world
    return client_of(accounts.create_user("office", email="office@exh.example", is_staff=True))


def test_the_office_creates_a_semester_and_a_proposal_with_time(office: APIClient, world: dict[str, Any]) -> None:
    assert office.post("/api/semesters/", NEXT).status_code == 201
    assert office.post("/api/semesters/", NEXT).status_code == 400
    overlapping = {**NEXT, "id": "X", "start": "2027-07-01T00:00:00Z", "end": "2027-09-01T00:00:00Z"}
    assert "2027A" in str(office.post("/api/semesters/", overlapping).json())
    body = {"id": "S-1", "title": "Stars", "pi": "hypatia", "tags": ["m15"], "tac_priority": 30, "notes": "secret"}
    made = office.post("/api/proposals/", body)
    assert made.status_code == 201, made.json()
    assert made.json()["notes"] == "secret"
    assert [leader["username"] for leader in made.json()["pis"]] == ["hypatia"]
    hours = {"semester": "2027A", "instrument_types": [IMAGER], "std_allocation": 12, "reason": "panel"}
    (allocation,) = office.post("/api/proposals/S-1/allocations/", hours).json()["timeallocation_set"]
    assert (allocation["std_allocation"], allocation["ipp_limit"]) == (12.0, pytest.approx(1.2))
    unknown = office.post("/api/proposals/S-1/allocations/", {**hours, "instrument_types": ["NONSENSE"]})
    assert unknown.status_code == 400
    seen = client_of(world["astronomer"]).get("/api/proposals/S-1/").json()
    assert "notes" not in seen, "what the office notes is for the office"
    assert office.post("/api/proposals/", {**body, "pi": "nobody"}).status_code == 400
    assert office.post("/api/proposals/", body).status_code == 400
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", "actor_name"))
    assert actions == [("semester.create", "office"), ("proposal.create", "office"), ("time.grant", "office")]


def test_the_office_changes_a_proposal_and_nobody_else_does(
    office: APIClient, astronomer: APIClient, operator: APIClient
) -> None:
    assert office.patch("/api/proposals/P1/", {"active": False, "title": "Variables"}).json()["active"] is False
    assert Proposal.objects.get().title == "Variables"
    assert office.patch("/api/proposals/P1/", {"id": "P9"}).status_code == 400
    assert operator.patch("/api/proposals/P1/", {"public": True}).status_code == 200
    for client in (astronomer, APIClient()):
        assert client.patch("/api/proposals/P1/", {"public": True}).status_code == 403
        assert client.post("/api/proposals/", {"id": "P2"}).status_code == 403
        assert client.post("/api/semesters/", NEXT).status_code == 403
        assert client.post("/api/proposals/import/", {"csv": ""}).status_code == 403
    changed = AuditEntry.objects.filter(action="proposal.change").first()
    assert changed is not None
    assert changed.details["changed"] == ["public"]


def test_time_is_corrected_but_never_below_what_is_used(office: APIClient, world: dict[str, Any]) -> None:
    from .test_notifications import spend

    spend(40, world["astronomer"])
    allocation = TimeAllocation.objects.get(instrument_types=[IMAGER])
    address = f"/api/proposals/P1/allocations/{allocation.pk}/"
    refused = office.post(address, {"std_allocation": -61, "reason": "weather"})
    assert refused.status_code == 400
    assert "60.00 can be taken back" in str(refused.json())
    assert office.post(address, {"std_allocation": -60, "rr_allocation": 5, "reason": "weather"}).status_code == 200
    shown = client_of(world["astronomer"]).get("/api/proposals/P1/").json()["timeallocation_set"]
    mine = next(item for item in shown if item["instrument_types"] == [IMAGER])
    assert (mine["std_allocation"], mine["std_time_used"], mine["rr_allocation"]) == (40.0, 40.0, 105.0)
    lines = client_of(world["astronomer"]).get("/api/proposals/P1/ledger/?limit=2").json()
    assert [(line["kind"], line["account"], line["hours"]) for line in lines["results"]] == [
        ("grant", "rr", 5.0),
        ("grant", "std", -60.0),
    ]
    assert {line["reason"] for line in lines["results"]} == {"weather"}
    assert lines["results"][0]["actor"] == "office"
    assert client_of(accounts.create_user("stranger")).get("/api/proposals/P1/ledger/").status_code == 404


def test_a_proposal_is_never_left_without_a_leader(office: APIClient) -> None:
    accounts.create_user("synesius")
    address = "/api/proposals/P1/members/"
    assert office.post(address, {"username": "hypatia", "role": "CI"}).status_code == 400
    assert office.delete(f"{address}?username=hypatia").status_code == 400
    assert office.post(address, {"username": "synesius", "role": "PI"}).json()["role"] == "PI"
    assert office.post(address, {"username": "hypatia", "role": "CI"}).status_code == 200
    assert office.delete(f"{address}?username=hypatia").status_code == 204
    assert list(Membership.objects.values_list("user__username", "role")) == [("synesius", "PI")]


def test_unused_time_goes_on_into_the_next_semester_once(office: APIClient, world: dict[str, Any]) -> None:
    from .test_notifications import spend

    office.post("/api/semesters/", NEXT)
    spend(30, world["astronomer"])
    before = LedgerEntry.objects.count()
    wish = {"to": "2027A", "proposals": ["P1"]}
    planned = office.post("/api/semesters/2026B/rollover/", {**wish, "dry_run": True}).json()
    assert LedgerEntry.objects.count() == before
    assert not TimeAllocation.objects.filter(semester_id="2027A").exists()
    done = office.post("/api/semesters/2026B/rollover/", wish).json()
    assert done["allocations"] == planned["allocations"]
    by_types = {tuple(item["instrument_types"]): item for item in done["allocations"]}
    assert by_types[(IMAGER,)]["std_allocation"] == 70.0
    again = office.post("/api/semesters/2026B/rollover/", wish).json()
    assert [item["is_new"] for item in again["allocations"]] == [False, False]
    shown = office.post("/api/proposals/P1/members/", {"username": "office"})
    assert shown.status_code == 200
    allocations = office.get("/api/proposals/P1/").json()["timeallocation_set"]
    new = [item for item in allocations if item["semester"] == "2027A" and item["instrument_types"] == [IMAGER]]
    assert [(item["std_allocation"], item["ipp_limit"], item["ipp_time_available"]) for item in new] == [
        (70.0, pytest.approx(7.0), pytest.approx(3.5))
    ]
    assert office.post("/api/semesters/2027A/rollover/", {"to": "2026B"}).status_code == 400


TABLE = f"""proposal_id,title,abstract,instrument_types,pi_email,cois_email,normal_time,time_critical_time
N-1,"Novae, old and new",Why,{IMAGER},hypatia@alexandria.example,new@cyrene.example;operator@exh.example,10,1.5
N-2,Nebulae,,{IMAGER};0M6-SPECTRO-LOWRES,leader@cyrene.example,,3,
"""


def test_a_table_of_proposals_is_tried_and_then_taken_in(office: APIClient) -> None:
    wish = {"csv": TABLE, "semester": "2026B"}
    tried = office.post("/api/proposals/import/", {**wish, "dry_run": True})
    assert tried.status_code == 200, tried.json()
    assert Proposal.objects.count() == 1
    assert not OutboxMail.objects.exists()
    taken = office.post("/api/proposals/import/", wish).json()
    assert taken["rows"] == tried.json()["rows"]
    assert [(row["line"], row["outcome"]) for row in taken["rows"]] == [(2, "created"), (3, "created")]
    assert set(Membership.objects.filter(proposal="N-1").values_list("user__username", "role")) == {
        ("hypatia", "PI"),
        ("operator", "CI"),
    }
    assert list(ProposalInvite.objects.order_by("email").values_list("email", "role")) == [
        ("leader@cyrene.example", "PI"),
        ("new@cyrene.example", "CI"),
    ]
    mails = OutboxMail.objects.count()
    more = office.post("/api/proposals/import/", {**wish, "csv": TABLE.replace(",10,", ",12,")}).json()["rows"]
    assert [(row["outcome"], row["hours"]) for row in more] == [("extended", {"std": 2.0}), ("unchanged", {})]
    assert OutboxMail.objects.count() == mails, "nobody is invited twice"


def test_everything_wrong_with_a_table_is_said_at_once_and_nothing_is_stored(office: APIClient) -> None:
    table = (
        "\ufeffproposal_id;title;instrument_types;pi_email;normal_time;tac_priority\r\n"
        f"A;One;{IMAGER};not an address;5;10\r\n"
        "B;;NONSENSE;hypatia@alexandria.example;many;10\r\n"
        f"C;Three;{IMAGER};hypatia@alexandria.example;5;10\r\n"
    )
    file = SimpleUploadedFile("table.csv", table.encode("utf-8"), content_type="text/csv")
    refused = office.post("/api/proposals/import/", {"csv": file, "semester": "2026B"}, format="multipart")
    assert refused.status_code == 400
    rows = refused.json()["rows"]
    assert set(rows) == {"2", "3"}
    assert set(rows["2"]) == {"pi_email"}
    assert set(rows["3"]) == {"title", "instrument_types", "normal_time"}
    assert Proposal.objects.count() == 1


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "Missing columns"),
        ("proposal_id,nonsense\nA,B", "Unknown columns: nonsense"),
        ("proposal_id,title,instrument_types,pi_email\n", "no lines"),
        ("proposal_id,title,instrument_types,pi_email\nA,B\n", "2 values for 4 columns"),
        ('proposal_id,title,instrument_types,pi_email\n"A', "not readable"),
        (17, "as text or as a file"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(office: APIClient, table: Any, words: str) -> None:
    answer = office.post("/api/proposals/import/", {"csv": table, "semester": "2026B"})
    assert answer.status_code == 400
    assert words in str(answer.json())


# --- Accounts


def test_the_office_finds_and_changes_accounts_but_gives_no_rights(office: APIClient, world: dict[str, Any]) -> None:
    del world
    (found,) = office.get("/api/users/?search=hypat alexandria").json()["results"]
    assert found["username"] == "hypatia"
    assert "token" not in str(found)
    assert office.patch("/api/users/hypatia/", {"first_name": "H."}).json()["first_name"] == "H."
    assert office.patch("/api/users/hypatia/", {"is_active": False}).json()["is_active"] is False
    assert office.patch("/api/users/hypatia/", {"is_staff": True}).status_code == 403
    assert office.patch("/api/users/office/", {"is_superuser": True}).status_code == 403
    assert office.patch("/api/users/operator/", {"email": "taken@over.example"}).status_code == 403
    assert office.patch("/api/users/nobody/", {}).status_code == 404


def test_an_administrator_gives_rights_but_one_administrator_stays(world: dict[str, Any]) -> None:
    del world
    chief = client_of(accounts.create_user("chief", is_staff=True, is_superuser=True))
    assert chief.patch("/api/users/hypatia/", {"is_staff": True}).json()["is_staff"] is True
    assert chief.patch("/api/users/chief/", {"is_superuser": False}).status_code == 400
    assert chief.patch("/api/users/chief/", {"is_active": False}).status_code == 400
    assert chief.post("/api/users/hypatia/unlock/").status_code == 200
    data = chief.get("/api/users/hypatia/personal_data/").json()
    assert data["account"]["email"] == "hypatia@alexandria.example"
    assert re.search("token_hash|pbkdf|argon", str(data)) is None
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert actions == {"account.change", "account.unlock", "account.disclose"}


def test_a_table_of_accounts_is_tried_and_then_taken_in(office: APIClient) -> None:
    table = (
        "username,email,first_name,last_name,institution,education_user\n"
        "hypatia,hypatia@alexandria.example,Hypatia,Theon,Mouseion,no\n"
        "pupil,pupil@school.example,P.,Upil,School,yes\n"
    )
    tried = office.post("/api/users/import/", {"csv": table, "dry_run": True}).json()
    assert [row["outcome"] for row in tried["rows"]] == ["unchanged", "created"]
    assert office.get("/api/users/?search=pupil").json()["count"] == 0
    assert office.post("/api/users/import/", {"csv": table}).status_code == 200
    assert office.get("/api/users/pupil/").json()["education_user"] is True
    assert OutboxMail.objects.get().to == ["pupil@school.example"]
    wrong = table + "x,hypatia@alexandria.example,A,B,C,no\n,a@b.example,A,B,C,no\n"
    refused = office.post("/api/users/import/", {"csv": wrong}).json()["rows"]
    assert set(refused) == {"5"}
    clash = office.post("/api/users/import/", {"csv": table + "x,hypatia@alexandria.example,A,B,C,no\n"}).json()
    assert clash == {"rows": {"4": {"email": ["user with email already exists"]}}}


@pytest.mark.parametrize("hours", ["inf", "-inf", "nan", 1e300, 10**400])
def test_a_limit_without_measure_is_refused(hours: Any, astronomer: APIClient) -> None:
    answer = astronomer.post("/api/proposals/P1/globallimit/", {"time_limit_hours": hours})
    assert answer.status_code == 400
    assert "time_limit_hours" in answer.json()["errors"]


def test_a_report_says_what_the_time_was_spent_on(astronomer: APIClient, world: dict[str, Any]) -> None:
    from io import BytesIO

    from pypdf import PdfReader

    from .test_notifications import spend

    spend(2.5, world["astronomer"])
    table = astronomer.get("/api/proposals/P1/report/?as=csv")
    assert table.headers["Content-Disposition"] == 'attachment; filename="P1.csv"'
    assert "std,charge,2.5,,,observed" in table.content.decode()
    paper = astronomer.get("/api/proposals/P1/report/")
    text = PdfReader(BytesIO(paper.content)).pages[0].extract_text()
    assert "Variable stars" in text
    assert "2.50 h" in text
    assert astronomer.get("/api/proposals/P1/report/?as=docx").status_code == 400
    assert client_of(accounts.create_user("stranger")).get("/api/proposals/P1/report/").status_code == 404


def test_a_reason_that_a_spreadsheet_would_carry_out_stays_a_text(office: APIClient, astronomer: APIClient) -> None:
    allocation = TimeAllocation.objects.get(instrument_types=[IMAGER])
    reason = "=HYPERLINK(0)"
    office.post(f"/api/proposals/P1/allocations/{allocation.pk}/", {"std_allocation": 1, "reason": reason})
    assert ",'=HYPERLINK(0)" in astronomer.get("/api/proposals/P1/report/?as=csv").content.decode()


def test_a_collaboration_gets_an_administrator_and_hours(office: APIClient, astronomer: APIClient) -> None:
    body = {"name": "Partner", "admin": "hypatia", "hours": {"1m0": 20, "2m0": 5.5}}
    assert office.put("/api/collaborations/PARTNER/", body).json() == {"id": "PARTNER", **body}
    shown = astronomer.get("/api/profile/").json()["profile"]["sciencecollaborationallocation"]
    assert (shown["id"], len(shown["collaborationallocation_set"])) == ("PARTNER", 2)
    changed = office.put("/api/collaborations/PARTNER/", {**body, "hours": {"1m0": 30}}).json()
    assert changed["hours"] == {"1m0": 30}
    assert office.put("/api/collaborations/OTHER/", {"admin": "hypatia"}).status_code == 400
    assert office.put(f"/api/collaborations/{'X' * 21}/", {}).status_code == 400
    assert {item["id"] for item in office.get("/api/collaborations/").json()["results"]} == {"ARMILLARY", "PARTNER"}
    assert astronomer.get("/api/collaborations/").status_code == 403
    assert astronomer.put("/api/collaborations/PARTNER/", body).status_code == 403
