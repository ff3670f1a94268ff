"""What a token with limited scopes may be used for: the one place that says so.

A token without scopes stands for its owner in everything. Every scope includes reading.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from rest_framework.permissions import SAFE_METHODS


class Scope(StrEnum):
    """A kind of use."""

    READ = "read"
    SUBMIT = "submit"
    OBSERVE = "observe"
    ADMIN = "admin"


SENTENCES: Final = {
    Scope.READ: "see what you may see",
    Scope.SUBMIT: "ask for observations and time in your name",
    Scope.OBSERVE: "run telescopes: schedules, observations, real-time sessions, downtimes, frames",
    Scope.ADMIN: "everything you may do",
}

_COMPUTES: Final = re.compile(
    r"/api/(requestgroups/(validate|cadence|max_allowable_ipp)|requests/mosaic|configurations/dither|airmass)/"
    r"|/frames/zip/"
)
"""What is posted there changes nothing."""
_OBSERVES: Final = re.compile(
    r"/api/(observations|schedule|realtime|configurationstatus)/"
    r"|^/(archive/)?(frames|versions|thumbnails)/|^/downtime/|^/archive/"
)
_SUBMITS: Final = re.compile(r"/api/(requestgroups|requests|drafts|scienceapplications)/")


def needed_for(method: str, path: str) -> Scope:
    """The least scope with which a request may be made."""
    if method in SAFE_METHODS or _COMPUTES.search(path):
        return Scope.READ
    if _OBSERVES.search(path):
        return Scope.OBSERVE
    if _SUBMITS.search(path):
        return Scope.SUBMIT
    return Scope.ADMIN


def suffices(scopes: Collection[str], method: str, path: str) -> bool:
    """Whether a token with these scopes (none: unlimited) may be used for a request."""
    needed = needed_for(method, path)
    return not scopes or Scope.ADMIN in scopes or needed in scopes or needed == Scope.READ


def of_bearer(scope: str) -> tuple[str, ...]:
    """The scopes of an OAuth2 token that was granted ``scope``: without ``write`` it is for reading only."""
    granted = scope.split()
    return (Scope.READ,) if granted and "write" not in granted else ()
