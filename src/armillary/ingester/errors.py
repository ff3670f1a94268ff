from __future__ import annotations

from collections.abc import Iterable

from armillary.clients.errors import ServiceUnavailable


class IngestError(Exception):
    """A file was not taken into the archive."""


class UnacceptableFile(IngestError, ValueError):
    """The file itself is the problem: trying again unchanged will not help."""

    def __init__(self, name: str, problems: Iterable[str]) -> None:
        self.name = name
        self.problems = tuple(problems)
        super().__init__(f"{name} cannot be ingested: {'; '.join(self.problems)}")


class ArchiveUnreachable(ServiceUnavailable, IngestError):
    """The archive did not answer for as long as we were patient; the file is as good as before, try again later."""
