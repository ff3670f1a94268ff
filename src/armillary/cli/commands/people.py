"""Commands that make accounts, semesters, proposals and OAuth2 applications."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from armillary import clock
from armillary.cli.django import refuse, start_django
from armillary.cli.refusals import sentence_of

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
users = typer.Typer(no_args_is_help=True, help="Accounts.")
semesters = typer.Typer(no_args_is_help=True, help="Semesters.")
proposals = typer.Typer(no_args_is_help=True, help="Proposals and their time.")
oauth_applications = typer.Typer(no_args_is_help=True, help="Applications that may log people in (OAuth2).")


@users.command("create")
def create_user(
    username: str,
    email: Annotated[str, typer.Option(help="Address for mails.")] = "",
    password: Annotated[str | None, typer.Option(help="Default: a random one, printed once.")] = None,
    first_name: str = "",
    last_name: str = "",
    institution: str = "",
    staff: Annotated[bool, typer.Option("--staff", help="May operate the observatory and sees everything.")] = False,
    superuser: Annotated[bool, typer.Option("--superuser", help="May do everything.")] = False,
    token: Annotated[bool, typer.Option("--token", help="Print the account's API token.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an account."""
    start_django()
    from armillary.accounts import services

    secret = password or secrets.token_urlsafe(12)
    with _refusals():
        user = services.create_user(
            username,
            email=email,
            password=secret,
            first_name=first_name,
            last_name=last_name,
            institution=institution,
            is_staff=staff or superuser,
            is_superuser=superuser,
            staff_view=staff or superuser,
        )
    result: dict[str, Any] = {"id": user.pk, "username": user.username}
    if password is None:
        result["password"] = secret
    if token:
        result["token"] = services.api_token(user)
    _show(result, as_json=as_json)


@semesters.command("create")
def create_semester(
    semester_id: Annotated[str, typer.Argument(help="Name of the semester, e.g. 2027A.")],
    start: Annotated[datetime, typer.Option(help="First moment, UTC.")],
    end: Annotated[datetime, typer.Option(help="End, UTC; not part of the semester.")],
    as_json: AsJson = False,
) -> None:
    """Make a semester."""
    start_django()
    from armillary.portal.proposals import services

    with _refusals():
        semester = services.create_semester(semester_id, start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
    _show({"id": semester.pk, "start": start.isoformat(), "end": end.isoformat()}, as_json=as_json)


@proposals.command("create")
def create_proposal(
    proposal_id: Annotated[str, typer.Argument(help="Code of the proposal, e.g. SCI2027A-001.")],
    principal_investigator: Annotated[str, typer.Option("--pi", help="Username of the principal investigator.")],
    title: str = "",
    semester: Annotated[
        str | None, typer.Option(help="Semester in which it gets time; default: the current one.")
    ] = None,
    hours: Annotated[float, typer.Option(help="Queue-scheduled hours.")] = 0.0,
    rapid_response_hours: float = 0.0,
    time_critical_hours: float = 0.0,
    real_time_hours: float = 0.0,
    instrument_type: Annotated[
        list[str] | None, typer.Option(help="Instrument type the hours are for; repeatable. Default: all of them.")
    ] = None,
    priority: Annotated[int, typer.Option(help="Priority the time allocation panel gave it.")] = 10,
    public: Annotated[bool, typer.Option("--public", help="Anybody may see its requests.")] = False,
    direct_submission: Annotated[
        bool, typer.Option("--direct", help="Members may book the schedule themselves.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a proposal and give it time."""
    start_django()
    from armillary.accounts.models import User
    from armillary.portal.proposals import queries, services

    investigator = User.objects.filter(username=principal_investigator).first()
    if investigator is None:
        raise refuse(f"there is no account {principal_investigator!r}; make it with: armillary users create")
    with _refusals():
        proposal = services.create_proposal(
            proposal_id,
            title=title,
            pi=investigator,
            public=public,
            tac_priority=priority,
            direct_submission=direct_submission,
            semester=queries.semester_named(semester) if semester else queries.current_semester(clock.now()),
            hours=services.TimeGrant(
                std_h=hours, rr_h=rapid_response_hours, tc_h=time_critical_hours, realtime_h=real_time_hours
            ),
            instrument_types=[instrument_type or _all_instrument_types()],
        )
    _show({"id": proposal.pk, "title": proposal.title, "pi": investigator.username}, as_json=as_json)


@oauth_applications.command("create")
def create_oauth_application(
    name: str,
    redirect_uri: Annotated[list[str] | None, typer.Option(help="Where people return to; repeatable.")] = None,
    grant_type: Annotated[str, typer.Option(help="password, authorization-code or client-credentials.")] = "password",
    as_json: AsJson = False,
) -> None:
    """Make an OAuth2 application; its secret is printed once."""
    start_django()
    from armillary.accounts import services

    with _refusals():
        created = services.create_oauth_application(
            name, redirect_uris=" ".join(redirect_uri or []), grant_type=grant_type
        )
    _show({"name": name, "client_id": created.client_id, "client_secret": created.client_secret}, as_json=as_json)


def _all_instrument_types() -> list[str]:
    from armillary.clients.configdb import ConfigDBClient
    from armillary.clients.transport import connect

    return sorted(ConfigDBClient(connect("configdb")).observatory().instrument_types())


@contextmanager
def _refusals() -> Iterator[None]:
    from armillary.clients.errors import ClientError
    from armillary.platform.errors import Refusal

    try:
        yield
    except Refusal as error:
        raise refuse(sentence_of(error.errors)) from error
    except ClientError as error:
        raise refuse(str(error)) from error


def _show(result: dict[str, Any], *, as_json: bool) -> None:
    print(json.dumps(result) if as_json else "\n".join(f"{key}: {value}" for key, value in result.items()))
