"""Commands of the observation portal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from armillary.cli.django import refuse, start_django


def import_ocs(
    dump: Annotated[Path, typer.Argument(help="What `dumpdata` of an OCS observation portal wrote.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would be taken over.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Take over an OCS portal: people, proposals, time, requests, observations, states. Can be repeated."""
    start_django()
    from armillary.clients.errors import ClientError
    from armillary.portal.takeover import services
    from armillary.portal.takeover.dump import DumpError

    try:
        report = services.import_ocs(json.loads(dump.read_text(encoding="utf-8")), dry_run=dry_run)
    except (OSError, ValueError, DumpError, ClientError) as error:
        raise refuse(f"{dump}: {error}") from error
    result = {
        "dry_run": dry_run,
        "taken_over": dict(report.objects),
        "ignored": dict(report.ignored),
        "accounts_opened": report.accounts_opened,
        "requests_without_duration": list(report.requests_without_duration),
    }
    if as_json:
        print(json.dumps(result))
        return
    print("Would take over:" if dry_run else "Taken over:")
    print("\n".join(f"  {number:8d}  {model}" for model, number in sorted(report.objects.items())) or "  nothing")
    for model, number in sorted(report.ignored.items()):
        print(f"  {number:8d}  {model}: there is no place for these here")
    print(f"{report.accounts_opened} time allocations were opened; the others had their accounts already.")
    if report.requests_without_duration:
        keys = ", ".join(str(key) for key in report.requests_without_duration)
        print(f"How long these requests take cannot be computed: {keys}")


def reconcile(
    repair: Annotated[bool, typer.Option("--repair", help="Append what brings the ledger to what is due.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Prove the ledger of observing time against every execution; ends with status 1 if they disagree."""
    start_django()
    from armillary.clients.errors import ClientError
    from armillary.portal.observations.services import reconcile as service

    try:
        found = service.reconcile(repair=repair)
    except ClientError as error:
        raise refuse(str(error)) from error
    lines = [str(item) for item in found.discrepancies]
    counts = {"allocations": found.allocations, "executions": found.executions, "sessions": found.sessions}
    if as_json:
        print(json.dumps({**counts, "discrepancies": lines, "repaired": found.repaired}))
    else:
        print(", ".join(f"{number} {what}" for what, number in counts.items()))
        print("\n".join(lines) or "The ledger says what the observations say.")
        if found.repaired:
            print(f"{found.repaired} repaired.")
    if len(lines) > found.repaired:
        raise typer.Exit(1)
