from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import transaction
from pytest_django import Settings

from armillary.platform import outbox
from armillary.platform.models import OutboxMail

NOW = datetime(2026, 3, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(autouse=True)
def frozen(set_clock: Callable[..., None]) -> None:
    set_clock(NOW)


def promise(key: str | None = None) -> None:
    with transaction.atomic():
        outbox.queue_mail(to="a@example.org", subject="Done", body="Look", html="<p>Look</p>", key=key)


def test_a_promised_mail_is_sent_once() -> None:
    promise()
    assert outbox.deliver_due(NOW) == 1
    assert outbox.deliver_due(NOW + timedelta(days=1)) == 0
    [message] = mail.outbox
    assert message.to == ["a@example.org"]
    assert message.body == "Look"
    assert OutboxMail.objects.get().state == OutboxMail.State.SENT


def test_a_mail_of_a_transaction_that_is_undone_is_never_sent() -> None:
    with transaction.atomic():
        outbox.queue_mail(to="a@example.org", subject="Done", body="Look")
        transaction.set_rollback(True)
    assert outbox.deliver_due(NOW) == 0


def test_an_occasion_is_told_once() -> None:
    promise("completed.17")
    promise("completed.17")
    promise("completed.18")
    assert outbox.deliver_due(NOW) == 2


def test_a_mail_that_cannot_be_sent_is_tried_again_later_under_the_same_name(settings: Settings) -> None:
    promise()
    works = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed_port()
    assert outbox.deliver_due(NOW) == 0
    waiting = OutboxMail.objects.get()
    assert (waiting.state, waiting.attempts) == (OutboxMail.State.QUEUED, 1)
    assert "refused" in waiting.error
    settings.EMAIL_BACKEND = works
    assert outbox.deliver_due(NOW + timedelta(seconds=30)) == 0
    assert outbox.deliver_due(NOW + timedelta(minutes=1)) == 1
    assert mail.outbox[0].extra_headers["Message-ID"] == waiting.message_id


def test_a_mail_is_given_up_after_some_days(settings: Settings) -> None:
    promise()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed_port()
    for days in range(20):
        outbox.deliver_due(NOW + timedelta(days=days))
    assert OutboxMail.objects.get().state == OutboxMail.State.FAILED


def test_a_mail_whose_sender_died_goes_out_after_the_lease() -> None:
    promise()
    OutboxMail.objects.update(state=OutboxMail.State.SENDING, attempts=1, due=NOW + timedelta(minutes=10))
    assert outbox.deliver_due(NOW + timedelta(minutes=9)) == 0
    assert outbox.deliver_due(NOW + timedelta(minutes=10)) == 1


def test_one_who_looks_at_an_old_row_does_not_send_it() -> None:
    promise()
    old = OutboxMail.objects.get()
    assert outbox.deliver_due(NOW) == 1
    assert not outbox._deliver(old, NOW)
    assert len(mail.outbox) == 1


def test_a_subject_of_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="one line"), transaction.atomic():
        outbox.queue_mail(to="a@example.org", subject="Done\nBcc: x@example.org", body="")


def test_a_mail_to_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="no address"), transaction.atomic():
        outbox.queue_mail(to=[], subject="Done", body="")
