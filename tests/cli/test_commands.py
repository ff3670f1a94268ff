"""What an operator types to set an observatory up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from armillary.cli.main import application

pytestmark = pytest.mark.django_db


def _armillary(*arguments: str) -> Result:
    return CliRunner().invoke(application, list(arguments))


def _json(*arguments: str) -> Any:
    result = _armillary(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def investigator() -> str:
    return str(_json("users", "create", "caroline", "--email", "caroline@observatory.example")["username"])


@pytest.fixture
def semester() -> str:
    made = _json("semesters", "create", "2027A", "--start", "2027-01-01", "--end", "2027-07-01")
    return str(made["id"])


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*words, name))


def test_every_command_explains_itself() -> None:
    found = dict(_commands(typer.main.get_command(application)))
    assert {("demo",), ("up",), ("scheduler", "run"), ("telescope", "run"), ("configdb", "export")} <= set(found)
    for words, command in found.items():
        result = _armillary(*words, "--help")
        assert result.exit_code == 0, words
        assert "Usage" in result.stdout
        assert command.help, words


def test_a_made_account_can_sign_in_with_the_password_that_was_printed_once() -> None:
    from django.contrib.auth import authenticate
    from django.test import RequestFactory

    made = _json("users", "create", "william", "--superuser", "--token")
    request = RequestFactory().post("/")
    user = authenticate(request, username="william", password=made["password"])
    assert user is not None
    assert user.is_superuser
    assert len(made["token"]) >= 40


def test_an_account_is_not_made_twice(investigator: str) -> None:
    result = _armillary("users", "create", investigator)
    assert result.exit_code == 1
    assert "username: A user with that username already exists" in result.stderr


def test_overlapping_semesters_are_refused_by_name(semester: str) -> None:
    result = _armillary("semesters", "create", "2027B", "--start", "2027-06-01", "--end", "2027-12-01")
    assert result.exit_code == 1
    assert semester in result.stderr


def test_a_proposal_gets_its_hours_on_every_named_instrument_type(investigator: str, semester: str) -> None:
    from armillary.portal.proposals.queries import allocations_of

    made = _json(
        *("proposals", "create", "SCI-001", "--pi", investigator, "--semester", semester, "--hours", "12.5"),
        *("--instrument-type", "0M6-IMAGER-CCD"),
    )
    assert made == {"id": "SCI-001", "title": "SCI-001", "pi": "caroline"}
    (allocation,) = allocations_of(["SCI-001"])["SCI-001"]
    assert allocation.row.semester_id == semester
    assert allocation.row.instrument_types == ["0M6-IMAGER-CCD"]


def test_a_proposal_without_a_semester_gets_its_hours_in_the_current_one(
    investigator: str, semester: str, set_clock: Any
) -> None:
    from armillary.portal.proposals.models import TimeAllocation

    set_clock(datetime(2027, 3, 1, tzinfo=UTC))
    _json("proposals", "create", "SCI-002", "--pi", investigator, "--hours", "1", "--instrument-type", "CAMERA")
    assert TimeAllocation.objects.get(proposal="SCI-002").semester_id == semester


def test_an_unknown_semester_is_answered_with_the_known_ones(investigator: str, semester: str) -> None:
    result = _armillary("proposals", "create", "SCI-003", "--pi", investigator, "--semester", "2099Z", "--hours", "1")
    assert result.exit_code == 1
    assert semester in result.stderr


def test_an_unknown_investigator_is_answered_with_what_to_do() -> None:
    result = _armillary("proposals", "create", "SCI-004", "--pi", "nobody")
    assert result.exit_code == 1
    assert "armillary users create" in result.stderr


def test_an_oauth_application_is_made_and_its_secret_printed() -> None:
    made = _json("oauth-applications", "create", "archive", "--grant-type", "password")
    assert made["client_id"]
    assert made["client_secret"]


def test_an_observatory_is_imported_once_and_exported_as_it_was(tmp_path: Path, examples: Path) -> None:
    source = str(examples / "small_observatory.json")
    first = _armillary("configdb", "import", source)
    assert first.exit_code == 0, first.stderr
    second = _json("configdb", "import", source)
    exported = tmp_path / "exported.json"
    assert _armillary("configdb", "export", "--out", str(exported)).exit_code == 0
    again = _json("configdb", "import", str(exported), "--dry-run")
    assert second["created"] == second["changed"] == second["absent"] == []
    assert again["created"] == again["changed"] == again["absent"] == []


def test_a_file_that_is_no_observatory_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    from armillary.configdb.models import Site

    path = tmp_path / "wrong.json"
    path.write_text('{"results": 5}', encoding="utf-8")
    result = _armillary("configdb", "import", str(path))
    assert result.exit_code == 1
    assert "nothing was changed" in result.stderr
    assert not Site.objects.exists()


def test_check_says_what_it_looked_at_and_fails_only_on_errors() -> None:
    result = _armillary("check", "--json")
    findings = json.loads(result.stdout)
    subjects = {finding["subject"] for finding in findings}
    assert {"components", "database"} <= subjects
    assert result.exit_code == (1 if any(finding["level"] == "error" for finding in findings) else 0)
