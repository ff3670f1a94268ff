"""The archive, as its users and ingesters see it."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx

from armillary.clients.errors import ClientError, RequestRefused, UnexpectedAnswer
from armillary.clients.transport import IN_PROCESS_HOST, connect, expecting

_CHUNK_BYTES: Final = 1024 * 1024
_PARTIAL: Final = 206
_NOT_SATISFIABLE: Final = 416


class DownloadFailed(ClientError):
    """A file could not be downloaded whole and right."""


@dataclass(frozen=True, slots=True)
class ContentDigests:
    """What identifies the content of a file."""

    size_bytes: int
    md5: str
    """Hexadecimal."""
    sha256: str
    """Hexadecimal."""

    @property
    def header(self) -> str:
        """As ``Content-Digest`` says it (RFC 9530)."""
        pairs = (("sha-256", self.sha256), ("md5", self.md5))
        return ", ".join(f"{name}=:{base64.b64encode(bytes.fromhex(value)).decode()}:" for name, value in pairs)


@dataclass(frozen=True, slots=True)
class StoredContent:
    """Bytes that the archive keeps."""

    key: str
    """Names them in ``version_set``."""
    md5: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FramePage:
    """One page of a search."""

    count: int
    """How many frames match; a lower bound if ``count_is_promised`` is false and there are very many."""
    count_is_promised: bool
    results: list[dict[str, Any]]
    next: str | None


class ArchiveClient:
    """Asks an archive: ``ArchiveClient(connect("archive", token=...))``."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    # --- Searching

    def frames(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every frame that matches, however many pages that takes.

        Args:
            filters: Query parameters of ``GET /frames/``: ``request_id=12``, ``start="2026-11-23"``, ...
        """
        page = self.page(**({"limit": 1000} | filters))
        yield from page.results
        while page.next is not None:
            page = _page(self._http.get(self._own(page.next)))
            yield from page.results

    def page(self, **filters: Any) -> FramePage:
        """One page of the frames that match; ``limit`` and ``offset`` say which."""
        return _page(self._http.get("frames/", params=_parameters(filters)))

    def frame(self, key: int, **switches: Any) -> dict[str, Any]:
        """One frame.

        Args:
            key: Its id.
            switches: What to show: ``include_thumbnails=True``, ``include_related_frames=False``.

        Raises:
            RequestRefused: Status 404: there is none, or not for this caller.
        """
        return self._object(f"frames/{key}/", switches)

    def headers(self, key: int) -> dict[str, Any]:
        """The header of a frame."""
        answer = self._object(f"frames/{key}/headers/")
        with expecting("archive"):
            return dict(answer["data"])

    def picture_address(self, key: int, **choices: Any) -> str:
        """Where a picture of a frame can be fetched without a token for a while.

        Args:
            key: The frame's id.
            choices: ``width``, ``height`` (pixels), ``stretch``, ``limits``, ``percentile``, ``black``, ``white``,
                ``color``, ``label``, ``quality``.

        Raises:
            RequestRefused: Status 404: there is no such frame for this caller; 400: a choice makes no sense.
        """
        answer = self._object(f"thumbnail/{key}/", choices)
        with expecting("archive"):
            return str(answer["url"])

    def related(self, key: int) -> list[dict[str, Any]]:
        """The frames that a frame was made from or helped to make."""
        answer = self._http.get(f"frames/{key}/related/")
        with expecting("archive"):
            return [dict(frame) for frame in answer.json()]

    def aggregate(self, **filters: Any) -> dict[str, Any]:
        """What there is to choose from: sites, telescopes, instruments, filters, types, proposals."""
        return self._object("frames/aggregate/", filters)

    # --- Taking in

    def version_exists(self, md5: str) -> bool:
        """Whether the archive has a content already, under whatever name."""
        answer = self._object("versions/", {"md5": md5})
        with expecting("archive"):
            # An archive that ignores the filter (one release of the reference does) would call everything known.
            return any(version["md5"] == md5 for version in answer["results"])

    def put_file(self, path: Path, *, place: str, digests: ContentDigests | None = None) -> StoredContent:
        """Hand in the bytes of a file. Doing it again is harmless.

        Args:
            path: The file.
            place: Where it belongs: site/telescope/instrument/night/raw/name.
            digests: The file's checksums, if they are known already.

        Raises:
            UnexpectedAnswer: The archive kept something else than was sent.
        """
        known = digests or digests_of_file(path)
        headers = {"Content-Digest": known.header, "Content-Length": str(known.size_bytes)}
        with path.open("rb") as stream:
            answer = self._http.put(f"store/{place}", content=stream, headers=headers)
        with expecting("archive"):
            body = answer.json()
            kept = StoredContent(body["key"], body["md5"], body["sha256"], int(body["size"]))
        if (kept.md5, kept.sha256, kept.size_bytes) != (known.md5, known.sha256, known.size_bytes):
            raise UnexpectedAnswer(f"the archive kept {kept} instead of {known} for {path.name}")
        return kept

    def post_frame(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Record a data product whose bytes are stored.

        Raises:
            RequestRefused: Status 400, with the fields that are wrong.
        """
        answer = self._http.post("frames/", json=dict(record))
        with expecting("archive"):
            return dict(answer.json())

    def post_thumbnail(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Record a picture of a frame whose bytes are stored. Doing it again is harmless.

        Raises:
            RequestRefused: Status 400, with the fields that are wrong.
        """
        answer = self._http.post("thumbnails/", json=dict(record))
        with expecting("archive"):
            return dict(answer.json())

    # --- Fetching

    def download(self, frame: Mapping[str, Any], directory: Path) -> Path:
        """Fetch the newest version of a frame into a directory, and make sure that it is right.

        What an interrupted download left is continued; a file that is there and right is not fetched again.

        Args:
            frame: A frame as :meth:`frames` or :meth:`frame` gives it.
            directory: Where to put the file; created if needed.

        Raises:
            DownloadFailed: The frame has no data here, or what arrived has another checksum.
        """
        with expecting("archive"):
            name, url = frame["filename"], frame["url"]
            versions = frame["version_set"]
        if not url or not name or not versions:
            raise DownloadFailed(f"the archive keeps no bytes of frame {frame.get('basename')}")
        if Path(name).name != name:
            raise DownloadFailed(f"the archive calls a file {name!r}, which is not a file name")
        target, part = directory / str(name), directory / f"{name}.part"
        md5 = versions[0]["md5"]
        if target.exists() and digests_of_file(target).md5 == md5:
            return target
        directory.mkdir(parents=True, exist_ok=True)
        self._fetch(url, part)
        found = digests_of_file(part).md5
        if found != md5:
            part.unlink()
            raise DownloadFailed(f"{name} arrived with the MD5 {found} instead of {md5}; it was deleted, try again")
        part.replace(target)
        return target

    def _fetch(self, url: str, part: Path) -> None:
        have = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            with self._opened(url, headers) as answer, part.open(_mode(answer)) as stream:
                for chunk in answer.iter_raw(_CHUNK_BYTES):
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())
        except RequestRefused as refusal:
            if refusal.status != _NOT_SATISFIABLE:  # then everything had arrived before; the checksum decides
                raise

    @contextmanager
    def _opened(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Follow an address out of the archive, if it leads out: no token is sent to other hosts."""
        if self._is_own(url):
            own = self._own(url)
            with self._http.stream("GET", own, headers=dict(headers), follow_redirects=False) as answer:
                if not answer.is_redirect:
                    yield answer
                    return
                url = answer.headers["Location"]
        with connect("archive", url=url) as client, client.stream("GET", url, headers=dict(headers)) as answer:
            yield answer

    def _is_own(self, url: str) -> bool:
        base = self._http.base_url
        return base.host == IN_PROCESS_HOST or urlsplit(url).netloc == base.netloc.decode()

    def _own(self, url: str) -> str:
        """An address of the archive, as this client reaches it: in process, whatever host it names."""
        if self._http.base_url.host != IN_PROCESS_HOST:
            return url
        parts = urlsplit(url)
        return f"http://{IN_PROCESS_HOST}{parts.path}?{parts.query}"

    def _object(self, path: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = self._http.get(path, params=_parameters(parameters or {}))
        with expecting("archive"):
            return dict(answer.json())


def digests_of_file(path: Path) -> ContentDigests:
    """The checksums of a file, read piece by piece."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size_bytes = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            md5.update(chunk)
            sha256.update(chunk)
            size_bytes += len(chunk)
    return ContentDigests(size_bytes, md5.hexdigest(), sha256.hexdigest())


def _mode(answer: httpx.Response) -> Literal["ab", "wb"]:
    return "ab" if answer.status_code == _PARTIAL else "wb"


def _page(answer: httpx.Response) -> FramePage:
    with expecting("archive"):
        body = answer.json()
        return FramePage(int(body["count"]), not body.get("count_estimated", False), body["results"], body["next"])


def _parameters(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _parameter(value) for name, value in filters.items() if value is not None}


def _parameter(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    return value
