"""Fills the database of one server process before it starts; run as ``python -m armillary.cli.demo.prepare``.

It runs in the environment of that server, once, in a process of its own: the demonstration itself only uses the
services over the wire. Doing it twice changes nothing.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

PROPOSAL: Final = "DEMO-001"
HOURS: Final = 200.0


class Account(BaseModel):
    """Somebody who can sign in."""

    username: str
    password: str
    token: str = ""


class Plan(BaseModel):
    """What a server's database shall hold."""

    observatory: Path
    semester_start: datetime
    semester_end: datetime
    astronomer: Account
    operator: Account
    robot: Account
    instrument_types: list[str]


def prepare(plan: Plan) -> dict[str, Any]:
    """Make the tables and fill them with what the components that run here own; returns the accounts' tokens."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "armillary.server.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from armillary.configuration import Component, configuration

    call_command("migrate", verbosity=0, interactive=False)
    running = configuration()
    if running.runs(Component.CONFIGDB):
        _fill_configdb(plan)
    return _fill_portal(plan) if running.runs(Component.PORTAL) else {}


def _fill_configdb(plan: Plan) -> None:
    from armillary.configdb.services import import_observatory

    import_observatory(json.loads(plan.observatory.read_text(encoding="utf-8")))


def _fill_portal(plan: Plan) -> dict[str, Any]:
    from armillary.accounts import services as accounts
    from armillary.accounts.models import User
    from armillary.portal.proposals import services as proposals

    def account(wanted: Account, **rights: Any) -> User:
        existing = User.objects.filter(username=wanted.username).first()
        return existing or accounts.create_user(wanted.username, password=wanted.password, **rights)

    astronomer = account(
        plan.astronomer,
        email="astronomer@observatory.example",
        first_name="Caroline",
        last_name="Herschel",
        institution="Slough Observatory",
    )
    operator = account(plan.operator, email="operator@observatory.example", is_staff=True, staff_view=True)
    robot = account(plan.robot, email="robot@observatory.example", is_staff=True, is_superuser=True, staff_view=True)
    semester = proposals.create_semester("demo", plan.semester_start, plan.semester_end)
    from armillary.portal.proposals.models import Proposal

    if not Proposal.objects.filter(pk=PROPOSAL).exists():
        proposals.create_proposal(
            PROPOSAL,
            title="A night at the observatory",
            abstract="Everything an observatory does, in one simulated night.",
            pi=astronomer,
            tac_priority=25,
            semester=semester,
            hours=proposals.TimeGrant(std_h=HOURS, rr_h=20.0, tc_h=20.0, realtime_h=20.0),
            instrument_types=[plan.instrument_types],
        )
    return {user.username: accounts.api_token(user) for user in (astronomer, operator, robot)}


if __name__ == "__main__":
    print(json.dumps(prepare(Plan.model_validate_json(sys.stdin.read()))))
