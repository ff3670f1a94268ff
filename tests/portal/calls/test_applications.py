from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pypdf import PdfReader
from rest_framework.test import APIClient

from armillary.platform.models import OutboxMail

pytestmark = pytest.mark.django_db
URL = "/api/scienceapplications/"


def test_an_application_is_submitted_as_a_form_with_a_file(application: dict[str, Any]) -> None:
    assert application["status"] == "SUBMITTED"
    assert application["submitted"] is not None
    assert application["timerequest_set"][0]["std_time"] == 20
    assert application["timerequest_set"][0]["instrument_codes"] == ["0M6-IMAGER-CCD"]
    assert application["timerequest_set"][0]["telescope_names"] != [""]
    assert application["coinvestigator_set"][0]["last_name"] == "of Cyrene"
    assert application["pdf"].endswith(f"{URL}{application['id']}/attachment/")


def test_a_draft_may_be_nearly_empty_and_is_submitted_later(astronomer: APIClient, form: dict[str, Any]) -> None:
    draft = {"call_id": form["call_id"], "status": "DRAFT", "title": "Later"}
    made = astronomer.post(URL, draft).json()
    assert made["submitted"] is None
    refused = astronomer.put(f"{URL}{made['id']}/", {**draft, "status": "SUBMITTED"})
    assert refused.status_code == 400
    assert "at least one time request" in str(refused.json())
    done = astronomer.put(f"{URL}{made['id']}/", form, format="multipart")
    assert done.status_code == 200, done.json()
    assert done.json()["status"] == "SUBMITTED"
    assert astronomer.put(f"{URL}{made['id']}/", draft).status_code == 404


def test_what_is_missing_is_named_field_by_field(astronomer: APIClient, form: dict[str, Any]) -> None:
    del form["pdf"], form["pi"]
    form["abstract"] = ""
    answer = astronomer.post(URL, form, format="multipart")
    assert answer.status_code == 400
    assert set(answer.json()) == {"pdf", "pi", "abstract"}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [("case.txt", b"words", "only accept PDF"), ("case.pdf", b"no PDF at all", "Invalid PDF")],
)
def test_what_is_no_pdf_is_refused(
    astronomer: APIClient, form: dict[str, Any], name: str, content: bytes, sentence: str
) -> None:
    form["pdf"] = SimpleUploadedFile(name, content)
    assert sentence in str(astronomer.post(URL, form, format="multipart").json()["pdf"])


def test_a_closed_call_is_not_answered(astronomer: APIClient, form: dict[str, Any], call: Any, clock_at: Any) -> None:
    from datetime import timedelta

    clock_at(call.deadline + timedelta(seconds=1))
    assert astronomer.post(URL, form, format="multipart").json() == {"call_id": ["The call is not open."]}
    assert astronomer.get("/api/calls/?only_open=true").json()["count"] == 0
    assert astronomer.get("/api/calls/").json()["count"] == 1


@pytest.mark.parametrize("status", ["ACCEPTED", "PORTED", "nonsense"])
def test_nobody_accepts_their_own_application(astronomer: APIClient, form: dict[str, Any], status: str) -> None:
    answer = astronomer.post(URL, {**form, "status": status}, format="multipart")
    assert "Application status must be one of" in str(answer.json()["status"])


def test_applications_of_others_are_not_there(
    application: dict[str, Any], panel: dict[str, Any], operator: APIClient
) -> None:
    other = panel["clients"]["messier"]
    address = f"{URL}{application['id']}/"
    for method in (other.get, other.delete):
        assert method(address).status_code == 404
    assert other.get(f"{address}attachment/").status_code == 404
    assert other.get(URL).json()["count"] == 0
    assert operator.get(URL).json()["count"] == 1
    assert APIClient().get(address).status_code == 403


def test_only_drafts_are_deleted(astronomer: APIClient, application: dict[str, Any], form: dict[str, Any]) -> None:
    draft = astronomer.post(URL, {"call_id": form["call_id"], "status": "DRAFT", "title": "Gone"}).json()
    assert astronomer.delete(f"{URL}{draft['id']}/").status_code == 204
    assert astronomer.get(f"{URL}{draft['id']}/").status_code == 404
    assert astronomer.delete(f"{URL}{application['id']}/").status_code == 204
    assert astronomer.get(f"{URL}{application['id']}/").status_code == 200


def test_a_copy_is_a_draft_with_everything_in_it(astronomer: APIClient, application: dict[str, Any]) -> None:
    answer = astronomer.post(f"{URL}{application['id']}/copy/")
    assert (answer.status_code, answer.content) == (200, b"")
    copy = astronomer.get(URL).json()["results"][0]
    assert (copy["status"], copy["submitted"], copy["title"]) == ("DRAFT", None, application["title"])
    assert copy["timerequest_set"][0]["rr_time"] == 2
    assert copy["coinvestigator_set"] == application["coinvestigator_set"]
    assert copy["pdf"] is not None


def test_the_printed_application_ends_with_the_attachment(astronomer: APIClient, application: dict[str, Any]) -> None:
    answer = astronomer.get(f"{URL}{application['id']}/pdf/")
    assert answer["Content-Type"] == "application/pdf"
    pages = PdfReader(BytesIO(answer.content)).pages
    assert "Pulsating stars in M 15" in pages[0].extract_text()
    assert pages[-1].mediabox.width == 200


def test_words_of_an_application_cannot_make_the_server_fetch_anything(
    astronomer: APIClient, form: dict[str, Any]
) -> None:
    form["abstract"] = '<img src="file:///etc/passwd"><link rel="attachment" href="file:///etc/passwd">'
    made = astronomer.post(URL, form, format="multipart").json()
    answer = astronomer.get(f"{URL}{made['id']}/pdf/")
    assert b"root:" not in answer.content
    assert "file:///etc/passwd" in PdfReader(BytesIO(answer.content)).pages[0].extract_text()


def test_discretionary_time_is_announced_by_mail(astronomer: APIClient, form: dict[str, Any], call: Any) -> None:
    from armillary.portal.calls.models import Call

    Call.objects.filter(pk=call.pk).update(proposal_type="DDT")
    form["timerequest_set[0]semester"] = call.semester_id
    assert astronomer.post(URL, {**form, "status": "DRAFT"}, format="multipart").status_code == 201
    assert not OutboxMail.objects.exists()
    form["pdf"].seek(0)
    assert astronomer.post(URL, form, format="multipart").status_code == 201
    mail = OutboxMail.objects.get()
    assert "hypatia@alexandria.example" in mail.to
    assert "Pulsating stars" in mail.subject


def test_lists_take_a_constant_number_of_queries(
    astronomer: APIClient, form: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        form["pdf"].seek(0)
        form["title"] = f"number {number}"
        assert astronomer.post(URL, form, format="multipart").status_code == 201
    astronomer.get("/api/calls/")  # the observatory is read once
    with django_assert_max_num_queries(16):
        assert astronomer.get(URL).json()["count"] == 5


def test_only_those_who_decide_open_calls(operator: APIClient, astronomer: APIClient, call: Any) -> None:
    body = {
        "semester": "2027A",
        "proposal_type": "KEY",
        "opens": "2026-11-01T00:00:00Z",
        "deadline": "2026-12-01T00:00:00Z",
        "instruments": [row.pk for row in call.instruments.all()],
    }
    assert astronomer.post("/api/calls/", body).status_code == 403
    made = operator.post("/api/calls/", body)
    assert made.status_code == 201
    assert made.json()["eligible_semesters"] == ["2027A"]
    changed = operator.put(f"/api/calls/{made.json()['id']}/", {**body, "deadline": "2026-10-01T00:00:00Z"})
    assert changed.status_code == 400
    assert "deadline" in changed.json()


def test_calls_to_collaborations_are_for_who_administers_one(astronomer: APIClient, call: Any, world: Any) -> None:
    from armillary.portal.calls.models import Call
    from armillary.portal.proposals.models import ScienceCollaborationAllocation

    Call.objects.filter(pk=call.pk).update(proposal_type="COLAB")
    assert astronomer.get(f"/api/calls/{call.pk}/").status_code == 404
    ScienceCollaborationAllocation.objects.create(pk="MOUSEION", admin=world["astronomer"])
    assert astronomer.get(f"/api/calls/{call.pk}/").json()["time_requested"] == {}
