"""People are told of what happens in the way that each of them wants."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from armillary.accounts import services as accounts
from armillary.accounts.models import User
from armillary.platform.models import OutboxMail
from armillary.platform.outbox import deliver_due
from armillary.portal.models import Notice
from armillary.portal.notifications.delivery import deliver_notices
from armillary.portal.requestgroups.mail import tell_completed

from .conftest import NOW, Receiver, client_of

pytestmark = pytest.mark.django_db


def tell(submitted: dict[str, Any]) -> None:
    """A request group is complete."""
    from armillary.portal.models import RequestGroup

    with transaction.atomic():
        tell_completed(RequestGroup.objects.select_related("submitter").get(pk=submitted["id"]))


def queued() -> list[str]:
    return [mail.subject for mail in OutboxMail.objects.all()]


def test_out_of_the_box_who_submitted_hears_of_the_completion_at_once(submitted: dict[str, Any]) -> None:
    tell(submitted)
    mail = OutboxMail.objects.get()
    assert mail.to == ["hypatia@alexandria.example"]
    assert mail.subject == "Request group M 15 has completed"
    assert f"/requestgroups/{submitted['id']}" in mail.body
    assert mail.unsubscribe_url in mail.body


def test_mail_programs_unsubscribe_with_one_click(submitted: dict[str, Any], settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    tell(submitted)
    assert deliver_due(NOW) == 1
    (path,) = (tmp_path / "mail").iterdir()
    message = message_from_bytes(path.read_bytes().split(b"\n" + b"-" * 79)[0], policy=default)
    assert message["To"] == "hypatia@alexandria.example"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = message["List-Unsubscribe"].replace("\n", "").replace(" ", "").strip("<>")
    path_of_link = re.sub(r"^https?://[^/]+", "", link)
    page = Client().get(path_of_link)
    assert "Stop mails about proposal" in page.content.decode()
    tell(submitted)
    assert OutboxMail.objects.count() == 2, "following a link changes nothing"
    done = Client(enforce_csrf_checks=True).post(path_of_link, {"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert "no more mails" in done.content.decode()
    tell(submitted)
    assert OutboxMail.objects.count() == 2


def test_a_broken_link_says_so(world: dict[str, Any]) -> None:
    del world
    for method in ("get", "post"):
        answer = getattr(Client(), method)("/api/notifications/unsubscribe/nonsense/")
        assert answer.status_code == 400
        assert "not complete" in answer.content.decode()


def test_a_digest_bundles_what_happened_in_a_day(
    astronomer: APIClient, submitted: dict[str, Any], clock_at: Any
) -> None:
    answer = astronomer.put("/api/notifications/", {"channel": "MAIL", "rhythm": "DAILY"})
    assert answer.status_code == 200, answer.json()
    assert answer.json()["default"]["rhythm"] == "DAILY"
    tell(submitted)
    clock_at(NOW + timedelta(hours=20))
    tell(submitted)
    assert queued() == []
    assert deliver_notices(NOW + timedelta(hours=23)) == 0
    assert deliver_notices(NOW + timedelta(hours=24)) == 2
    mail = OutboxMail.objects.get()
    assert mail.subject.startswith("2 pieces of news")
    assert mail.body.count("Request group M 15 has completed") == 2
    assert "Proposal P1" in mail.body
    assert deliver_notices(NOW + timedelta(hours=48)) == 0, "nothing is told twice"


def test_what_was_said_of_a_proposal_counts_before_what_was_said_of_everything(
    astronomer: APIClient, submitted: dict[str, Any]
) -> None:
    astronomer.put("/api/notifications/", {"channel": "NONE"})
    tell(submitted)
    assert queued() == []
    astronomer.put("/api/notifications/", {"channel": "MAIL", "proposal": "P1"})
    tell(submitted)
    assert len(queued()) == 1
    left = astronomer.delete("/api/notifications/?proposal=P1").json()
    assert left["proposals"] == []
    tell(submitted)
    assert len(queued()) == 1


def test_nobody_says_anything_of_a_proposal_that_they_cannot_see(world: dict[str, Any]) -> None:
    del world
    stranger = client_of(accounts.create_user("stranger"))
    assert stranger.put("/api/notifications/", {"channel": "NONE", "proposal": "P1"}).status_code == 404
    assert APIClient().get("/api/notifications/").status_code == 403


# --- Webhooks


def test_a_webhook_is_called_with_a_signature_that_its_owner_can_check(
    astronomer: APIClient, submitted: dict[str, Any], receiver: Receiver
) -> None:
    wish = {"channel": "WEBHOOK", "webhook_url": receiver.url}
    secret = astronomer.put("/api/notifications/", wish).json()["webhook_secret"]
    tell(submitted)
    assert deliver_notices(NOW) == 1
    ((headers, body),) = receiver.calls
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Armillary-Signature"] == expected
    assert headers["Host"].startswith("localhost:")
    told = json.loads(body)
    assert (told["kind"], told["proposal"]) == ("request_group.completed", "P1")
    assert deliver_notices(NOW + timedelta(days=1)) == 0
    assert queued() == []


def test_a_webhook_that_fails_is_called_again_and_at_last_replaced_by_a_mail(
    astronomer: APIClient, submitted: dict[str, Any], receiver: Receiver
) -> None:
    astronomer.put("/api/notifications/", {"channel": "WEBHOOK", "webhook_url": receiver.url})
    receiver.status = 500
    tell(submitted)
    moment = NOW
    for _ in range(8):
        assert deliver_notices(moment) == 0
        moment += timedelta(days=2)
    assert len(receiver.calls) == 8
    mail = OutboxMail.objects.get()
    assert "answered 500" in mail.body
    assert "M 15" in mail.body
    assert deliver_notices(moment) == 0
    assert Notice.objects.get().delivered is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://[::1]/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/x",
        "http://localhost:1234/x",
        "http://user:password@192.0.2.1/x",
        "ftp://example.org/x",
        "",
    ],
)
def test_a_webhook_cannot_be_led_into_networks_of_the_server(url: str, astronomer: APIClient) -> None:
    answer = astronomer.put("/api/notifications/", {"channel": "WEBHOOK", "webhook_url": url})
    assert answer.status_code == 400
    assert "webhook_url" in answer.json()


def test_an_observatory_replaces_the_words_of_a_letter(
    submitted: dict[str, Any], settings: Any, tmp_path: Path
) -> None:
    own = tmp_path / "portal/notifications"
    own.mkdir(parents=True)
    (own / "request_group_completed.txt").write_text("Fertig: {{ group.name }}\n\nSchau nach.", encoding="utf-8")
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path]}]
    tell(submitted)
    assert queued() == ["Fertig: M 15"]


# --- Time


def spend(hours: float, user: User) -> None:
    from armillary.core.proposals.ledger import Account, Entry, Kind, microseconds
    from armillary.portal.models import TimeAllocation
    from armillary.portal.proposals.services import append_entries

    allocation = TimeAllocation.objects.get(instrument_types=["0M6-IMAGER-CCD"])
    with transaction.atomic():
        entry = Entry(Account.STANDARD, Kind.CHARGE, microseconds(hours=hours))
        append_entries(allocation, [entry], reason="observed", actor=user)


def test_leaders_are_warned_once_at_each_mark_as_time_runs_out(world: dict[str, Any]) -> None:
    from armillary.portal.notifications.time import warn_of_spent_time

    assert warn_of_spent_time(NOW) == 0
    spend(80, world["astronomer"])
    assert warn_of_spent_time(NOW) == 1
    assert warn_of_spent_time(NOW) == 0
    assert queued() == ["Proposal P1: 75 % of its standard time is used"]
    spend(25, world["astronomer"])
    assert warn_of_spent_time(NOW) == 1
    assert queued()[-1] == "Proposal P1: 100 % of its standard time is used"
    assert "105.0 hours are used" in OutboxMail.objects.latest("pk").body


def test_leaders_are_reminded_once_a_month_near_the_end_of_a_semester(world: dict[str, Any]) -> None:
    from armillary.portal.notifications.time import remind_of_time

    spend(3, world["astronomer"])
    assert remind_of_time(NOW) == 1
    assert remind_of_time(NOW + timedelta(days=1)) == 0
    assert remind_of_time(NOW + timedelta(days=10)) == 1  # December
    assert "3.0 of 100.0 hours" in OutboxMail.objects.latest("pk").body
    assert remind_of_time(NOW - timedelta(days=60)) == 0, "more than three months before the end"


def test_pupils_are_not_reminded(world: dict[str, Any]) -> None:
    from armillary.portal.notifications.time import remind_of_time

    accounts.change_account(world["astronomer"], {"profile": {"education_user": True}})
    remind_of_time(NOW)
    assert queued() == []
