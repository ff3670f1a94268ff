"""Places that keep bytes: the same promises from a directory and from a real S3 server (rclone, from PyPI)."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from s3 import S3Server, start_s3, stop_s3

from armillary.archive.stores import (
    FileStore,
    FileSystemStore,
    InvalidPlace,
    StoredObjectMissing,
    StoreUnavailable,
    checked_place,
    open_store,
)
from armillary.configuration import ConfigurationError

PLACE = "tst/1m0a/sim01/20261122/raw/a-e00.0123456789ab.fits"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = start_s3(tmp_path_factory.mktemp("s3"))
    yield server
    stop_s3(server)


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    if request.param == "directory":
        return FileSystemStore(tmp_path / "store")
    server: S3Server = request.getfixturevalue("s3")
    return server.store()


def test_what_is_written_is_read_back(store: FileStore) -> None:
    content = os.urandom(3_000_000)
    digests = store.write(PLACE, [content[:1_000_000], content[1_000_000:]])
    assert (digests.size_bytes, digests.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert b"".join(store.read(PLACE)) == content
    assert b"".join(store.read(PLACE, 10, 19)) == content[10:20]
    assert b"".join(store.read(PLACE, 2_999_990)) == content[-10:]
    assert store.size_bytes(PLACE) == len(content)
    assert [(held.place, held.size_bytes) for held in store.everything()] == [(PLACE, len(content))]


def test_an_empty_file_is_kept_too(store: FileStore) -> None:
    store.write(PLACE, [])
    assert b"".join(store.read(PLACE)) == b""


def test_a_file_of_many_parts_is_kept_whole(store: FileStore) -> None:
    chunk = os.urandom(1024 * 1024)
    digests = store.write(PLACE, (chunk for _ in range(40)))
    assert digests.size_bytes == store.size_bytes(PLACE) == 40 * len(chunk)
    found = hashlib.sha256()
    for part in store.read(PLACE):
        found.update(part)
    assert found.hexdigest() == digests.sha256


def test_a_write_that_breaks_off_leaves_nothing(store: FileStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 2_000_000
        raise InterruptedUploadError

    with pytest.raises(InterruptedUploadError):
        store.write(PLACE, broken())
    assert list(store.everything()) == []
    with pytest.raises(StoredObjectMissing):
        store.read(PLACE)


def test_a_deleted_file_is_gone_and_may_be_deleted_again(store: FileStore) -> None:
    store.write(PLACE, [b"x"])
    store.delete(PLACE)
    store.delete(PLACE)
    with pytest.raises(StoredObjectMissing):
        store.size_bytes(PLACE)


def test_a_reader_that_goes_away_gives_the_file_back(store: FileStore) -> None:
    store.write(PLACE, [b"x" * 100])
    chunks = store.read(PLACE)
    chunks.close()
    assert list(chunks) == []


@pytest.mark.parametrize(
    "place", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/.hidden", "a/b\x00", "ä/b", "a/" + "b" * 256]
)
def test_a_place_outside_of_the_store_is_refused(place: str, store: FileStore) -> None:
    with pytest.raises(InvalidPlace):
        checked_place(place)
    with pytest.raises(InvalidPlace):
        store.write(place, [b"x"])


def test_the_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        FileSystemStore(blocked).write(PLACE, [b"x"])
    with pytest.raises(StoreUnavailable):
        FileSystemStore(blocked).check()


def test_a_full_disk_is_an_outage_and_leaves_nothing(tmp_path: Path) -> None:
    import resource

    store = FileSystemStore(tmp_path / "store")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        with pytest.raises(StoreUnavailable):
            store.write(PLACE, [b"x" * 1_000_000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(store.everything()) == []
    assert list((tmp_path / "store" / ".unfinished").iterdir()) == []


def test_a_killed_writer_leaves_no_file_that_looks_whole(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from armillary.archive.stores import FileSystemStore\n"
        "def slow():\n yield b'x' * 1000\n print('writing', flush=True)\n sys.stdin.read()\n"
        f"FileSystemStore(Path({str(tmp_path)!r})).write({PLACE!r}, slow())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    process.kill()
    process.communicate()
    assert list(FileSystemStore(tmp_path).everything()) == []


def test_s3_links_work_for_a_while_and_only_unaltered(s3: S3Server) -> None:
    store = s3.store()
    store.write(PLACE, [b"hello"])
    address = store.direct_address(PLACE, file_name="a.fits", content_type="application/fits", lifetime_s=600)
    assert address is not None
    assert httpx.get(address).content == b"hello"
    assert httpx.get(address.replace("Signature=", "Signature=0")).status_code == 403
    assert s3.store(links="proxy").direct_address(PLACE, file_name="a", content_type="b", lifetime_s=1) is None


def test_an_s3_that_refuses_or_is_away_is_an_outage(s3: S3Server, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        s3.store(secret_key="WRONGWRONG").write(PLACE, [b"x"])
    with pytest.raises(StoreUnavailable):
        s3.store(access_key="WRONG").check()
    server = start_s3(tmp_path)
    away = server.store()
    away.write(PLACE, [b"kept"])
    stop_s3(server)
    with pytest.raises(StoreUnavailable):
        away.read(PLACE)


def test_an_s3_that_does_not_answer_is_an_outage_and_the_file_can_be_kept_afterwards(tmp_path: Path) -> None:
    server = start_s3(tmp_path)
    store = server.store(timeout_s="1")
    store.write(PLACE, [b"kept"])
    server.process.send_signal(signal.SIGSTOP)  # accepts connections and says nothing, like an overloaded server
    try:
        with pytest.raises(StoreUnavailable, match=r"timeout|timed out"):
            store.read(PLACE)
        with pytest.raises(StoreUnavailable, match=r"timeout|timed out"):
            store.write(PLACE.replace("a-e00", "b-e00"), [b"x" * 100])
        server.process.send_signal(signal.SIGCONT)
        store.write(PLACE.replace("a-e00", "b-e00"), [b"x" * 100])
        assert b"".join(store.read(PLACE)) == b"kept"
    finally:
        stop_s3(server)


def test_an_s3_that_dies_in_the_middle_of_a_file_is_an_outage(tmp_path: Path) -> None:
    server = start_s3(tmp_path)
    store = server.store()

    def dying() -> Iterator[bytes]:
        yield b"x" * 20 * 1024 * 1024  # more than one part
        stop_s3(server)
        yield b"x" * 20 * 1024 * 1024

    with pytest.raises(StoreUnavailable):
        store.write(PLACE, dying())


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://host/x", "use file:///directory or s3://"),
        ("file:", "use file:///directory"),
        ("s3://bucket?endpont_url=x", "unknown option endpont_url"),
        ("s3://bucket?links=maybe", "redirect or proxy"),
        ("s3://bucket?timeout_s=soon", "whole number of seconds"),
        ("s3://bucket?addressing=odd", "path or virtual"),
    ],
)
def test_a_store_that_makes_no_sense_stops_thestart_s3(url: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        open_store(url)


class InterruptedUploadError(Exception):
    """What a test breaks off with."""
