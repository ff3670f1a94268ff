"""The ledger follows from the observations, and a command proves it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient
from typer.testing import CliRunner

from .conftest import IMAGER, NIGHT, wish


def executed(operator: APIClient, submitted: dict[str, Any], minutes: float = 6) -> int:
    assert operator.post("/api/observations/", wish(submitted, NIGHT)).status_code == 201
    (observation,) = operator.get("/api/schedule/").json()["results"]
    status = observation["request"]["configurations"][0]["configuration_status"]
    summary = {
        "start": NIGHT.isoformat(),
        "end": (NIGHT + timedelta(minutes=minutes)).isoformat(),
        "state": "COMPLETED",
        "time_completed": 60,
    }
    report = {"state": "COMPLETED", "summary": summary}
    assert operator.patch(f"/api/configurationstatus/{status}/", report).status_code == 200
    return int(status)


def forge(status: int, seconds: float) -> None:
    from armillary.core.proposals.ledger import Account, Entry, Kind, microseconds
    from armillary.portal.proposals.models import TimeAllocation
    from armillary.portal.proposals.services import append_entries

    allocation = next(row for row in TimeAllocation.objects.all() if IMAGER in row.instrument_types)
    entry = Entry(Account.STANDARD, Kind.CHARGE, microseconds(seconds=seconds))
    append_entries(allocation, [entry], reason="a hand in the till", configuration_status=status)


@pytest.mark.parametrize("kind", ["NORMAL", "TIME_CRITICAL", "RAPID_RESPONSE"])
def test_what_the_services_charge_is_what_is_due(
    astronomer: APIClient, operator: APIClient, group: dict[str, Any], kind: str
) -> None:
    from armillary.portal.observations.services.reconcile import reconcile

    group["requests"][0]["windows"] = [{"start": "2026-11-23T15:00:00Z", "end": "2026-11-24T12:00:00Z"}]
    submitted = astronomer.post("/api/requestgroups/", group | {"observation_type": kind}).json()
    executed(operator, submitted, minutes=50)
    found = reconcile()
    assert (found.executions, found.discrepancies) == (1, ())


def test_data_that_turned_out_bad_is_due_nothing(operator: APIClient, submitted: dict[str, Any]) -> None:
    from armillary.portal.observations.services.reconcile import reconcile

    executed(operator, submitted)
    (observation,) = operator.get("/api/schedule/").json()["results"]
    assert operator.patch(f"/api/observations/{observation['id']}/", {"state": "BAD_DATA"}).status_code == 200
    assert reconcile().discrepancies == ()


def test_a_wrong_charge_is_found_named_and_repaired(operator: APIClient, submitted: dict[str, Any]) -> None:
    from armillary.portal.observations.services.reconcile import reconcile

    status = executed(operator, submitted)
    forge(status, 100)
    (found,) = reconcile().discrepancies
    assert f"execution {status}: 460.000000 s in the ledger, 360.000000 s due" in str(found)
    assert reconcile(repair=True).repaired == 1
    assert reconcile().discrepancies == ()


def test_the_command_ends_with_an_error_when_the_ledger_is_wrong(
    operator: APIClient, submitted: dict[str, Any]
) -> None:
    from armillary.cli.main import application

    status = executed(operator, submitted)
    run = CliRunner().invoke(application, ["proposals", "reconcile"])
    assert run.exit_code == 0
    assert "The ledger says what the observations say." in run.output
    forge(status, 1)
    run = CliRunner().invoke(application, ["proposals", "reconcile", "--json"])
    assert run.exit_code == 1
    assert len(json.loads(run.stdout)["discrepancies"]) == 1


@pytest.mark.django_db
def test_a_dump_can_be_rehearsed_taken_over_and_taken_over_again(tmp_path: Path) -> None:
    from armillary.accounts.models import User
    from armillary.cli.main import application

    from .recording import recorded

    state = max(recorded("states").values(), key=len)
    dump = tmp_path / "dump.json"
    dump.write_text(json.dumps(state))
    people = sum(item["model"] == "auth.user" for item in state)

    def run(*options: str) -> dict[str, Any]:
        result = CliRunner().invoke(application, ["import-ocs", str(dump), "--json", *options])
        assert result.exit_code == 0, result.output
        return dict(json.loads(result.stdout))

    assert run("--dry-run")["taken_over"]["auth.user"] == people
    assert User.objects.count() == 0
    first, second = run(), run()
    assert User.objects.count() == people
    assert first["taken_over"] == second["taken_over"]
    assert second["accounts_opened"] == 0


def test_a_file_that_is_no_dump_is_refused_with_a_sentence(tmp_path: Path) -> None:
    from armillary.cli.main import application

    dump = tmp_path / "dump.json"
    dump.write_text('[{"name": "not a dump"}]')
    run = CliRunner().invoke(application, ["import-ocs", str(dump)])
    assert run.exit_code != 0
    assert "expected model, pk and fields" in run.output
