"""Every endpoint is called in every role, and what happens is what ``docs/reference/permissions.md`` says.

The things that are asked for belong to the proposal P1, which is not public.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from drf_spectacular.generators import EndpointEnumerator
from rest_framework.test import APIClient

from armillary.accounts import services as accounts
from armillary.accounts.models import User
from armillary.portal.models import TimeAllocation

from .calls.conftest import _files_of_the_test, call, form  # noqa: F401  what an application needs
from .conftest import NIGHT, client_of, wish

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PAGE = Path(__file__).parents[2] / "docs/reference/permissions.md"
REFUSED = frozenset({401, 403, 404})
YES, NO = "yes", "-"
ROLES = (
    "stranger",
    "astronomer",
    "co-investigator",
    "principal investigator",
    "direct observer",
    "panel member",
    "operator",
    "overseer",
    "administrator",
)

Row = tuple[str, ...]
"""An endpoint (``GET /api/proposals/``), and for each role whether it is let in."""


@dataclass(frozen=True)
class Observatory:
    """People by role, and the number of one thing of each kind."""

    people: dict[str, User | None]
    things: dict[str, Any]


@pytest.fixture
def people(world: dict[str, Any]) -> dict[str, User | None]:
    from armillary.portal.proposals.services import add_member, create_proposal

    found: dict[str, User | None] = {
        "stranger": None,
        "principal investigator": world["astronomer"],
        "overseer": world["operator"],
        "operator": accounts.create_user("porter", is_staff=True),
        "administrator": accounts.create_user("administrator", is_staff=True, is_superuser=True),
    }
    for name in ("astronomer", "co-investigator", "direct observer", "panel member"):
        found[name] = accounts.create_user(name.replace(" ", "-"), email=f"{name.replace(' ', '-')}@exh.example")
    add_member(world["proposal"], found["co-investigator"])
    add_member(create_proposal("P2", direct_submission=True), found["direct observer"])
    return found


@pytest.fixture
def observatory(
    people: dict[str, User | None],
    astronomer: APIClient,
    operator: APIClient,
    submitted: dict[str, Any],
    form: dict[str, Any],  # noqa: F811  the fixture of that name
) -> Observatory:
    bystander = accounts.create_user("bystander")
    assert operator.post("/api/observations/", wish(submitted, NIGHT)).status_code == 201
    (observation,) = operator.get("/api/observations/").json()["results"]
    application = astronomer.post("/api/scienceapplications/", form, format="multipart").json()["id"]
    astronomer.post("/api/proposals/P1/invite/", {"emails": ["somebody@else.example"]})
    status = observation["request"]["configurations"][0]["configuration_status"]
    membership = people["co-investigator"].membership_set.get().pk  # type: ignore[union-attr]  # it is a user
    things = {
        "/api/proposals/": "P1",
        "/api/semesters/": "2026B",
        "/api/contention/": "0M6-IMAGER-CCD",
        "/api/requestgroups/": submitted["id"],
        "/api/requests/": submitted["requests"][0]["id"],
        "/api/observations/": observation["id"],
        "/api/schedule/": observation["id"],
        "/api/configurationstatus/": status,
        "/api/memberships/": membership,
        "/api/calls/": form["call_id"],
        "/api/scienceapplications/": application,
        "/api/scienceapplication-reviews/": _review(application, people),
        "/api/tokens/": accounts.create_named_token(people["principal investigator"], "mine")[0].pk,  # type: ignore[arg-type]
        "/api/users/": bystander.username,
        "/api/sessions/": _session(people["principal investigator"]),
        "allocation": TimeAllocation.objects.filter(proposal="P1").values_list("pk", flat=True)[0],
        "/api/drafts/": _draft(astronomer, submitted),
        "/api/realtime/": observation["id"],
        "/downtime/api/": _downtime(operator),
        "frames": _frame(client_of(people["administrator"])),
    }
    return Observatory(people, things)


def _review(application: int, people: dict[str, User | None]) -> int:
    from armillary.portal.calls.models import ScienceApplication
    from armillary.portal.calls.services import assign_review, create_panel, review

    member = people["panel member"]
    assert member is not None
    panel = create_panel("Stars", [member])
    row = assign_review(ScienceApplication.objects.get(pk=application), panel, member, member)
    row.pdf.save("anonymous.pdf", ContentFile(b"%PDF"))
    review(row, member, {"comments": "Good."}, new=True)
    return int(row.pk)


def _session(person: User | None) -> int:
    """A session of somebody's in a browser."""
    from allauth.usersessions.models import UserSession
    from django.contrib.sessions.backends.db import SessionStore

    store = SessionStore()
    store.create()
    row = UserSession.objects.create(user=person, session_key=store.session_key, ip="192.0.2.1", user_agent="Browser")
    return int(row.pk)


def _draft(client: APIClient, submitted: dict[str, Any]) -> int:
    answer = client.post("/api/drafts/", {"title": "later", "proposal": "P1", "content": "{}"})
    assert answer.status_code == 201, (answer.json(), submitted["id"])
    return int(answer.json()["id"])


def _downtime(operator: APIClient) -> int:
    body = {
        "start": "2026-12-24T18:00:00Z",
        "end": "2026-12-24T20:00:00Z",
        "site": "exh",
        "enclosure": "doma",
        "telescope": "0m6a",
        "reason": "Holiday",
    }
    answer = operator.post("/downtime/api/", body)
    assert answer.status_code == 201, answer.json()
    return int(answer.json()["id"])


def _frame(administrator: APIClient) -> int:
    digest = hashlib.md5(b"one", usedforsecurity=False).hexdigest()
    body = {
        "basename": "exh0m6a-im01-20261122-0001-e00", "area": None, "headers": {}, "related_frame_filenames": [],
        "version_set": [{"key": digest, "md5": digest, "extension": ".fits.fz"}], "configuration_type": "EXPOSE",
        "observation_day": "20261122", "observation_date": "2026-11-23T02:03:04.567", "proposal_id": "P1",
        "instrument_id": "im01", "target_name": "M15", "reduction_level": 0, "site_id": "exh",
        "telescope_id": "0m6a", "exposure_time": 30.0, "primary_optical_element": "V",
        "public_date": "2027-11-23T02:03:04", "observation_id": 1, "request_id": 1,
    }  # fmt: skip
    answer = administrator.post("/frames/", body)
    assert answer.status_code == 201, answer.json()
    return int(answer.json()["id"])


def endpoints() -> list[tuple[str, str]]:
    """Method and address of everything that the OpenAPI document describes."""
    return sorted({(method, path) for path, _, method, _ in EndpointEnumerator().get_api_endpoints()}, key=_by_place)


def _by_place(endpoint: tuple[str, str]) -> tuple[str, int]:
    return endpoint[1], ("GET", "POST", "PUT", "PATCH", "DELETE").index(endpoint[0])


def address(path: str, things: dict[str, Any], overseer: APIClient) -> str:
    """An address with the number of a thing that is there."""
    path = path.replace("{allocation}", str(things["allocation"]))
    path = path.replace("{site}.{enclosure}.{telescope}", "exh.doma.0m6a")
    if "{" not in path:
        return path
    collection, _, rest = path.partition("{")
    tail = rest.partition("}")[2]
    if collection in things:
        return f"{collection}{things[collection]}{tail}"
    if re.search(r"(frames|frame-catalog|frame-funpack)/$", collection):
        return f"{collection}{things['frames']}{tail}"
    listed = {} if collection.endswith("/store/") else overseer.get(collection).json()
    rows = listed.get("results", []) if isinstance(listed, dict) else listed
    return f"{collection}{rows[0].get('id', 1) if rows else 1}{tail}"


def observed(observatory: Observatory) -> Iterator[Row]:
    """What happens."""
    clients = {role: client_of(observatory.people[role]) for role in ROLES}
    for method, path in endpoints():
        where = address(path, observatory.things, clients["overseer"])
        cells = []
        for role in ROLES:
            with transaction.atomic():
                answer = getattr(clients[role], method.lower())(where, {}, format=None if method == "GET" else "json")
                answer.close()  # files
                transaction.set_rollback(True)
            assert answer.status_code < 500, f"{method} {where} as {role}: {answer.status_code}"
            cells.append(NO if answer.status_code in REFUSED else YES)
        yield (f"{method} {path}", *cells)


def documented() -> list[Row]:
    """What the page says."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [tuple(cell.strip().strip("`") for cell in line.strip().strip("|").split("|")) for line in lines]


def test_what_the_page_says_of_every_endpoint_and_every_role_is_what_happens(observatory: Observatory) -> None:
    found, said = list(observed(observatory)), documented()
    wrong = [f"| `{row[0]}` | {' | '.join(row[1:])} |" for row in found if row not in said]
    gone = [row[0] for row in said if row[0] not in {row[0] for row in found}]
    assert not wrong, "the page does not say what happens:\n" + "\n".join(wrong)
    assert not gone, f"the page tells of what there is not: {gone}"


def test_the_page_says_what_the_table_in_the_code_says() -> None:
    from armillary.accounts.permissions import ROLES as TABLE
    from armillary.accounts.permissions import Permission, Role

    text = PAGE.read_text(encoding="utf-8")
    for permission in Permission:
        cells = [YES if permission in TABLE[role] else NO for role in Role]
        assert f"| {permission.value} | {' | '.join(cells)} |" in text


def test_the_page_names_every_role_of_the_table_in_the_code() -> None:
    from armillary.accounts.permissions import Role

    known = {role.value for role in Role}
    assert {role.replace("panel member", "time-allocation panel member") for role in ROLES} == known
    assert f"| endpoint | {' | '.join(ROLES)} |" in PAGE.read_text(encoding="utf-8")
