"""A call for the semester after this one, and a panel of three."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pypdf import PdfWriter
from rest_framework.test import APIClient

IMAGER = "0M6-IMAGER-CCD"


@pytest.fixture(autouse=True)
def _files_of_the_test(settings: Any, tmp_path: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        },
    }


def pdf_file(name: str = "case.pdf") -> SimpleUploadedFile:
    """A PDF of one empty page."""
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    out = BytesIO()
    writer.write(out)
    return SimpleUploadedFile(name, out.getvalue(), content_type="application/pdf")


@pytest.fixture
def call(world: dict[str, Any]) -> Any:
    """A call for science proposals that is open for a week."""
    from armillary.clock import now
    from armillary.portal.calls.services import CallDetails, create_call, offer_instruments
    from armillary.portal.proposals.services import create_semester

    del world
    semester = create_semester("2027A", datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 8, 1, tzinfo=UTC))
    instruments = offer_instruments({IMAGER: "Imager", "0M6-SPECTRO-LOWRES": "Spectrograph"})
    opens = now() - timedelta(days=1)
    return create_call(
        CallDetails(semester, "SCI", opens=opens, deadline=opens + timedelta(days=8), instruments=instruments)
    )


@pytest.fixture
def form(call: Any) -> dict[str, Any]:
    """An application that the rules accept, as a form with a file."""
    instrument = call.instruments.get(code=IMAGER)
    return {
        "call_id": call.pk,
        "status": "SUBMITTED",
        "title": "Pulsating stars in M 15",
        "abstract": "We measure their periods.",
        "pi": "hypatia@alexandria.example",
        "pi_first_name": "Hypatia",
        "pi_last_name": "of Alexandria",
        "pi_institution": "Mouseion",
        "timerequest_set[0]semester": "2027A",
        "timerequest_set[0]std_time": 20,
        "timerequest_set[0]rr_time": 2,
        "timerequest_set[0]tc_time": 0,
        "timerequest_set[0]instrument_types": str(instrument.pk),
        "coinvestigator_set[0]email": "synesius@cyrene.example",
        "coinvestigator_set[0]first_name": "Synesius",
        "coinvestigator_set[0]last_name": "of Cyrene",
        "coinvestigator_set[0]institution": "Cyrene",
        "pdf": pdf_file(),
    }


@pytest.fixture
def application(astronomer: APIClient, form: dict[str, Any]) -> dict[str, Any]:
    """A submitted application."""
    answer = astronomer.post("/api/scienceapplications/", form, format="multipart")
    assert answer.status_code == 201, answer.json()
    return dict(answer.json())


@pytest.fixture
def panel(world: dict[str, Any]) -> dict[str, Any]:
    """A panel of three, and their clients by name."""
    from armillary.accounts.services import create_user
    from armillary.portal.calls.services import create_panel

    del world
    people = [create_user(name, email=f"{name}@panel.example") for name in ("halley", "lacaille", "messier")]
    row = create_panel("Stars", people)
    clients: dict[str, APIClient] = {}
    for person in people:
        clients[person.username] = APIClient()
        clients[person.username].force_authenticate(person)
    return {"row": row, "people": {person.username: person for person in people}, "clients": clients}


@pytest.fixture
def assigned(operator: APIClient, application: dict[str, Any], panel: dict[str, Any]) -> int:
    """The id of the review of the application by the panel."""
    answer = operator.post(
        "/api/scienceapplication-reviews/",
        {
            "science_application": application["id"],
            "review_panel": panel["row"].pk,
            "primary_reviewer": "halley",
            "secondary_reviewer": "lacaille",
        },
    )
    assert answer.status_code == 201, answer.json()
    return int(answer.json()["id"])
