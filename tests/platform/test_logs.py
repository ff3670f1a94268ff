from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from armillary.platform import logs

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "event",
    [
        {"event": "request", "authorization": f"Token {KEY}"},
        {"event": "request", "headers": {"Authorization": f"Token {KEY}", "Cookie": KEY}},
        {"event": f"refused Authorization: Bearer {KEY}"},
        {"event": "connect", "url": f"postgresql://armillary:{KEY}@db/armillary"},
        {"event": "download", "url": f"https://example.org/x?auth_token={KEY}&y=1"},
        {"event": "login", "body": [{"password": KEY}]},
        {"event": "login", "tokens": {"api_token": KEY}},
        {"event": "started", "secret_key": KEY, "oauth_server_key": KEY},
    ],
)
def test_credentials_do_not_reach_the_log(event: dict[str, object]) -> None:
    assert KEY not in json.dumps(logs.redact(None, "info", event))


def test_what_is_not_a_credential_stays() -> None:
    event = {"event": "token bucket is full", "key": "observation 17", "path": "/api/requests/", "token_count": 3}
    assert logs.redact(None, "info", dict(event)) == event


@given(
    st.dictionaries(
        st.sampled_from(["password", "api_key", "csrfmiddlewaretoken", "session_cookie"]), st.text(min_size=1)
    )
)
def test_a_value_under_a_secret_name_never_survives(event: dict[str, str]) -> None:
    assert set(logs.redact(None, "info", dict(event)).values()) <= {logs.REDACTED}


@pytest.fixture
def production_log(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What was logged since the last call, in production's form."""
    logs.configure({"level": "INFO", "json": True})
    yield lambda: capsys.readouterr().err
    logs.configure(settings.LOGGING)


def test_production_writes_one_json_object_per_event(production_log: Callable[[], str]) -> None:
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        structlog.get_logger("armillary.test").info("submitted", group=17)
        logging.getLogger("some.library").warning("old %s", "style")
    ours, theirs = (json.loads(line) for line in production_log().splitlines())
    assert (ours["event"], ours["group"], ours["request_id"], ours["level"]) == ("submitted", 17, "abc", "info")
    assert (theirs["event"], theirs["request_id"]) == ("old style", "abc")


def test_a_traceback_is_part_of_the_object_and_redacted(production_log: Callable[[], str]) -> None:
    try:
        {}[f"Token {KEY}"]
    except LookupError:
        structlog.get_logger("armillary.test").exception("failed")
    written = production_log()
    assert "KeyError" in json.loads(written)["exception"]
    assert KEY not in written


def test_who_captures_the_standard_error_later_is_followed(production_log: Callable[[], str]) -> None:
    with contextlib.redirect_stderr(io.StringIO()) as later:
        structlog.get_logger("armillary").info("moved")
    assert "moved" in later.getvalue()
    assert not production_log()
