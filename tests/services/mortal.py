"""An archive and an ingester that are killed (SIGKILL) by themselves at a chosen step of their work.

    python mortal.py archive DIRECTORY      (prints {"token": ..., "port": ...})
    python mortal.py ingester

Each reads commands, one JSON object in each line, and forks a child to carry one out, so that starting again is quick.
A step is chosen by wrapping a function of the real program: nothing in the program knows about it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

ARCHIVE_STEPS: dict[str, tuple[str, str, str]] = {
    # step: module, function, when it is called ("before") or has returned ("after")
    "before the bytes are stored": ("armillary.archive.stores.file_system", "FileSystemStore.write", "before"),
    "in the middle of the bytes": ("armillary.archive.services.keep_file", "_verified", "during"),
    "after the bytes are stored": ("armillary.archive.stores.file_system", "FileSystemStore.write", "after"),
    "after the file is known": ("armillary.archive.services.keep_file", "_recorded", "after"),
    "before the frame is recorded": ("armillary.archive.api.frames", "record_frame", "before"),
    "inside the frame's transaction": ("armillary.archive.services.record_frame", "save_frame", "after"),
    "after the frame is recorded": ("armillary.archive.api.frames", "record_frame", "after"),
}
INGESTER_STEPS: dict[str, tuple[str, str, str]] = {
    "before the checksum": ("armillary.ingester.ingest", "digests_of_file", "before"),
    "after asking what is known": ("armillary.clients.archive", "ArchiveClient.version_exists", "after"),
    "after the bytes were sent": ("armillary.clients.archive", "ArchiveClient.put_file", "after"),
    "after the record was sent": ("armillary.clients.archive", "ArchiveClient.post_frame", "after"),
    "before the journal": ("armillary.ingester.journal", "Journal.note", "before"),
    "after the journal": ("armillary.ingester.journal", "Journal.note", "after"),
}


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _set_trap(step: str | None) -> None:
    if step is None:
        return
    module_name, name, moment = (ARCHIVE_STEPS | INGESTER_STEPS)[step]
    holder: Any = import_module(module_name)
    *outer, function = name.split(".")
    for part in outer:
        holder = getattr(holder, part)
    real = getattr(holder, function)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if moment == "before":
            _die()
        answer = real(*args, **kwargs)
        if moment == "after":
            _die()
        return _cut(answer)

    setattr(holder, function, deadly)


def _cut(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield next(chunks)[:100]
    _die()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


def archive(directory: str) -> None:
    """Serve an archive over and over: ``{"die_at": step or null}`` starts another life of it."""
    os.environ |= {
        "ARMILLARY_MODE": "test", "ARMILLARY_COMPONENTS": "archive", "ARMILLARY_DATA_DIRECTORY": directory,
        "DJANGO_SETTINGS_MODULE": "armillary.server.settings", "ARMILLARY_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    import django

    django.setup()
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.db import connections
    from django.urls import get_resolver

    from armillary.accounts.services import api_token, create_user

    call_command("migrate", verbosity=0)
    token = api_token(create_user("ingester", is_superuser=True, is_staff=True))
    application = get_wsgi_application()
    _warm(len(get_resolver().url_patterns))
    connections.close_all()
    listening = socket.create_server(("127.0.0.1", 0))
    _say({"token": token, "port": listening.getsockname()[1]})

    def serve(command: dict[str, Any]) -> None:
        _set_trap(command["die_at"])
        server = _Server(listening.getsockname(), _Quiet, bind_and_activate=False)
        server.socket = listening
        server.server_name, server.server_port = "127.0.0.1", listening.getsockname()[1]
        server.setup_environ()
        server.set_app(application)
        server.serve_forever()

    child = 0
    for line in sys.stdin:
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        child = _forked(serve, json.loads(line))
        _say({"lives": True})
    if child:
        os.kill(child, signal.SIGKILL)


def ingester() -> None:
    """Ingest a file: ``{"die_at": ..., "url": ..., "token": ..., "path": ..., "journal": ...}``; tells how it ended."""
    from astropy import wcs
    from astropy.io import fits

    from armillary.clients.archive import ArchiveClient
    from armillary.clients.transport import connect
    from armillary.ingester import Patience
    from armillary.ingester.command import IngestRun, ingest_files
    from armillary.ingester.journal import Journal

    _warm(fits, wcs)

    def work(command: dict[str, Any]) -> None:
        _set_trap(command["die_at"])
        client = ArchiveClient(connect("archive", url=command["url"], token=command["token"]))
        run = IngestRun(client, Journal(Path(command["journal"])), patience=Patience(attempts=1), workers=1)
        _say({"states": [outcome.state.value for outcome in ingest_files([Path(command["path"])], run)]})

    for line in sys.stdin:
        _, status = os.waitpid(_forked(work, json.loads(line)), 0)
        if os.WIFSIGNALED(status):
            _say({"killed": os.WTERMSIG(status)})
        elif status:
            _say({"failed": status})


def _warm(*loaded: object) -> None:
    """What is loaded before a fork need not be loaded in each life."""


def _forked(work: Callable[[dict[str, Any]], None], command: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work(command)
    finally:
        sys.stdout.flush()
        os._exit(0)


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    {"archive": archive, "ingester": ingester}[sys.argv[1]](*sys.argv[2:])
