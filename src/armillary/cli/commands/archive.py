"""Commands for the files an observatory makes: put them into the archive, check, mend, fetch and delete them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from armillary.cli.django import refuse, require_configuration, start_django

if TYPE_CHECKING:
    from armillary.archive.queries.retention import Selection
    from armillary.ingester.command import IngestRun, Outcome

archive = typer.Typer(no_args_is_help=True, help="The science archive: verify, repair, download, delete, data rights.")

_DATES: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
_DEFAULT_WORKERS: Final = 4

Moment = Annotated[datetime | None, typer.Option(formats=_DATES, help="UTC; of the observation.")]
Several = Annotated[list[str] | None, typer.Option(help="Repeatable.")]


def ingest(
    files: Annotated[list[Path] | None, typer.Argument(help="Files to put into the archive.")] = None,
    watch: Annotated[Path | None, typer.Option(help="Folder to watch for new files instead.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Files ingested at the same time.")] = _DEFAULT_WORKERS,
    store: Annotated[
        str | None, typer.Option(help="Bucket or folder of an OCS archive, s3://... or file:///...; ours needs none.")
    ] = None,
    check_only: Annotated[
        bool, typer.Option("--check-only", help="Say whether the archive has the files; put nothing into it.")
    ] = False,
) -> None:
    """Put files into the archive: checksum, store, verify, record; safe to repeat."""
    require_configuration()
    if bool(files) == (watch is not None):
        raise refuse("name files to ingest, or a folder with --watch; one of the two")
    if check_only:
        _tell_which_exist(files or [])
        return
    run = _ingest_run(workers, store)
    from armillary.ingester.command import ingest_files, watch_directory
    from armillary.ingester.journal import FileState

    if watch is not None:
        from armillary.cli.commands.server import stop_on_signals

        if not watch.is_dir():
            raise refuse(f"{watch} is not a folder")
        watch_directory(watch, run, stop_on_signals())
        return
    failures = sum(outcome.state is not FileState.INGESTED for outcome in ingest_files(files or (), run))
    if failures:
        raise refuse(f"{failures} files were not ingested; the lines above say why")


@archive.command()
def verify(
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes only; do not read every byte.")] = False,
    store: Annotated[str | None, typer.Option(help="Another store to verify, file:///... or s3://...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each finding.")] = False,
) -> None:
    """Reread every byte; report what is lost, rotten, or known to nobody. Ends with 1 if anything was found."""
    start_django()
    from armillary.archive.services.verify_files import verify_files
    from armillary.archive.stores import StoreError

    found = 0
    try:
        for problem in verify_files(reread=not quick, store=_opened(store) if store else None):
            found += 1
            line = {"finding": problem.finding.value, "place": problem.place, "detail": problem.detail}
            print(json.dumps(line) if as_json else f"{problem.finding.value}: {problem.place} {problem.detail}")
    except StoreError as error:
        raise refuse(f"the store cannot be read, so nothing is known about the rest: {error}") from error
    if found:
        raise refuse(f"{found} findings")
    if not as_json:
        print("every file is there and right")


@archive.command()
def repair(
    second: Annotated[str, typer.Argument(help="The store to take copies from: file:///... or s3://...")],
) -> None:
    """Bring lost and rotten files back from a second store. Copies that are wrong themselves are not taken."""
    start_django()
    from armillary.archive.services.verify_files import repair_from
    from armillary.archive.stores import StoreError

    left = 0
    try:
        for place, is_repaired in repair_from(_opened(second)):
            left += not is_repaired
            print(f"{'repaired' if is_repaired else 'no good copy'}: {place}")
    except StoreError as error:
        raise refuse(f"a store cannot be used: {error}") from error
    if left:
        raise refuse(f"{left} files have no good copy in {second}")


@archive.command()
def download(
    filters: Annotated[list[str], typer.Argument(help="What to fetch, as NAME=VALUE: request_id=12 RLEVEL=91 ...")],
    into: Annotated[Path, typer.Option(help="Where to put the files.")] = Path(),
    url: Annotated[str | None, typer.Option(help="Address of the archive; default: the configured one.")] = None,
    token: Annotated[str | None, typer.Option(envvar="ARMILLARY_API_TOKEN", help="Default: only public data.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Files fetched at the same time.")] = _DEFAULT_WORKERS,
) -> None:
    """Fetch every frame that matches: in parallel, checked, going on where an earlier run broke off."""
    require_configuration()
    from armillary.clients.archive import ArchiveClient
    from armillary.clients.downloads import download_frames
    from armillary.clients.errors import ClientError
    from armillary.clients.transport import connect

    parameters = _parameters(filters)
    try:
        client = ArchiveClient(connect("archive", url=url, token=token))
        count = client.page(**(parameters | {"limit": 1, "force_count": 1})).count
        failed = _show_progress(download_frames(client, client.frames(**parameters), into, workers=workers), count)
    except ClientError as error:
        raise refuse(str(error)) from error
    if failed:
        raise refuse(f"{failed} files could not be fetched; run the command again for those")


@archive.command()
def delete(
    older_than_days: Annotated[int | None, typer.Option(min=0, help="Taken at least so many days ago.")] = None,
    start: Moment = None,
    end: Moment = None,
    reduction_level: Annotated[int | None, typer.Option()] = None,
    request_id: Annotated[int | None, typer.Option()] = None,
    observation_id: Annotated[int | None, typer.Option()] = None,
    site: Annotated[str | None, typer.Option()] = None,
    telescope: Annotated[str | None, typer.Option()] = None,
    configuration_type: Several = None,
    not_configuration_type: Several = None,
    proposal: Several = None,
    not_proposal: Several = None,
    instrument: Several = None,
    not_instrument: Several = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted; delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete frames with their files, by what they are (retention). Everything given must hold."""
    start_django()
    from armillary.archive.queries.retention import Selection

    selection = Selection(
        start=_utc(start),
        end=_end(older_than_days, end),
        reduction_level=reduction_level,
        request_id=request_id,
        observation_id=observation_id,
        site_id=site,
        telescope_id=telescope,
        types=configuration_type or (),
        not_types=not_configuration_type or (),
        proposals=proposal or (),
        not_proposals=not_proposal or (),
        instruments=instrument or (),
        not_instruments=not_instrument or (),
    )
    _delete(selection, dry_run=dry_run, is_agreed=yes)


@archive.command()
def rights(
    proposal: Annotated[str, typer.Argument(help="Whose frames.")],
    public_date: Annotated[datetime, typer.Option(formats=_DATES, help="UTC; from when they are public.")],
    reason: Annotated[str, typer.Option(help="Why; it is remembered with the change.")],
    by: Annotated[str, typer.Option(help="Who decided; it is remembered with the change.")],
    start: Moment = None,
    end: Moment = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many frames would change.")] = False,
) -> None:
    """Change from when the frames of a proposal are public; who, when and why is kept for each frame."""
    start_django()
    from armillary.archive.queries.retention import Selection, selected_frames
    from armillary.archive.services.change_frame import FrameChange, change_frame

    moment = _utc(public_date)
    meant = selected_frames(Selection(proposals=(proposal,), start=_utc(start), end=_utc(end)))
    changing = list(meant.exclude(public_date=moment).order_by("pk").values_list("pk", flat=True))
    if not dry_run:
        for key in changing:
            change_frame(key, FrameChange({"public_date": moment}), by=by, reason=reason)
    print(f"{len(changing)} frames {'would change' if dry_run else 'changed'}")


def _tell_which_exist(files: list[Path]) -> None:
    """Print whether each file is in the archive; ends with 1 unless all are."""
    from armillary.cli.wiring import WiringError, ingesting_archive
    from armillary.clients.errors import ClientError
    from armillary.ingester import frame_exists

    if not files:
        raise refuse("--check-only needs the names of files")
    missing = 0
    try:
        archive_client = ingesting_archive()
        for path in files:
            exists = frame_exists(path, archive=archive_client)
            missing += not exists
            print(f"{exists} {path}")
    except (WiringError, ClientError, OSError) as error:
        raise refuse(str(error)) from error
    if missing:
        raise refuse(f"{missing} files are not in the archive")


def _ingest_run(workers: int, store: str | None) -> IngestRun:
    from armillary.cli.wiring import WiringError, ingesting_archive, journal_directory, proposal_tags
    from armillary.ingester import open_byte_store
    from armillary.ingester.command import IngestRun
    from armillary.ingester.journal import Journal

    try:
        return IngestRun(
            archive=ingesting_archive(),
            journal=Journal(journal_directory() / "journal.sqlite3"),
            tags_of=proposal_tags(),
            workers=workers,
            store=open_byte_store(store) if store else None,
            report=_print_outcome,
        )
    except (WiringError, ValueError) as error:
        raise refuse(str(error)) from error


def _print_outcome(outcome: Outcome) -> None:
    typer.echo(f"{outcome.state.value}: {outcome.path} {outcome.detail}")


def _opened(url: str) -> Any:
    from armillary.archive.stores import open_store
    from armillary.configuration import ConfigurationError

    try:
        return open_store(url)
    except ConfigurationError as error:
        raise refuse(str(error).replace("ARMILLARY_ARCHIVE_STORE", "the store")) from error


def _parameters(filters: list[str]) -> dict[str, str]:
    pairs = [given.partition("=") for given in filters]
    if wrong := [name for name, sign, _ in pairs if not sign or not name]:
        raise refuse(f"{wrong[0]!r} is not NAME=VALUE; filters are those of GET /frames/, like request_id=12")
    return {name: value for name, _, value in pairs}


def _show_progress(downloads: Iterator[Any], count: int) -> int:
    """Follow downloads on the screen, and say how many failed."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    failed = 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("frames", total=count)
        for done in downloads:
            progress.advance(task)
            if done.path is None:
                failed += 1
                progress.console.print(f"failed: {done.frame.get('filename')}: {done.problem}", markup=False)
    return failed


def _delete(selection: Selection, *, dry_run: bool, is_agreed: bool) -> None:
    from django.db.models import Sum

    from armillary.archive.queries.retention import selected_frames
    from armillary.archive.services.delete_frames import delete_frames

    if selection.is_everything:
        raise refuse("say which frames; deleting all of them is not what this command is for")
    meant = selected_frames(selection)
    count = meant.count()
    size_bytes = meant.aggregate(total=Sum("version__file__size_bytes"))["total"] or 0
    print(f"{count} frames, {size_bytes / 1e9:.3f} GB")
    if dry_run or not count:
        return
    if not is_agreed:
        typer.confirm("Delete them for good?", abort=True)
    print(f"{delete_frames(meant)} frames deleted")


def _end(older_than_days: int | None, end: datetime | None) -> datetime | None:
    from armillary import clock

    ends = [] if older_than_days is None else [clock.now() - timedelta(days=older_than_days)]
    ends += [moment] if (moment := _utc(end)) is not None else []
    return min(ends, default=None)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
