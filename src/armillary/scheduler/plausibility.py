"""Whether to believe what was read: a source that answers "nothing" is more often broken than right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from armillary.core.requests.model import UNSCHEDULED
from armillary.scheduler.snapshot import Snapshot

_TOO_MANY: Final = 0.5
"""A larger share of what was there does not vanish at once, as a rule."""
_FEW: Final = 3
"""With fewer than so many, shares say nothing."""


class SourceImplausible(Exception):
    """A source answered something that would empty the schedule by mistake."""


class SourceDoubtful(SourceImplausible):
    """The same, but it may be true: when a second reading says so again, it is believed."""


@dataclass(slots=True)
class Plausibility:
    """Compares each reading with the one before."""

    _telescopes: frozenset[str] = frozenset()
    _doubts: frozenset[str] = frozenset()

    def check(self, snapshot: Snapshot) -> None:
        """Refuse to believe a reading for the first time that would empty much of the schedule.

        Raises:
            SourceImplausible: There is no telescope at all; that is never believed.
            SourceDoubtful: More than half of the telescopes, or of the requests with published observations, have
                vanished since the last run; believed when the next reading says the same.
        """
        if not snapshot.observatory.telescopes():
            raise SourceImplausible("the configuration database lists no telescope at all")
        in_service = frozenset(each.key for each in snapshot.observatory.telescopes() if each.in_service)
        doubts = {
            name: sentence
            for name, sentence in (("telescopes", self._lost(in_service)), ("requests", _unlisted(snapshot)))
            if sentence
        }
        unheard = sorted(name for name in doubts if name not in self._doubts)
        self._doubts = frozenset(doubts)
        if unheard:
            raise SourceDoubtful("; ".join(doubts[name] for name in unheard))
        self._telescopes = in_service

    def _lost(self, in_service: frozenset[str]) -> str:
        lost = sorted(self._telescopes - in_service)
        if len(self._telescopes) < _FEW or len(lost) <= _TOO_MANY * len(self._telescopes):
            return ""
        return f"{len(lost)} of {len(self._telescopes)} telescopes are out of service at once"


def _unlisted(snapshot: Snapshot) -> str:
    """Published observations whose requests the portal does not list as waiting."""
    listed = {request.id for group in snapshot.groups for request in group.requests}
    published = [each for each in snapshot.live if each.state == "PENDING" and each.observation_type not in UNSCHEDULED]
    gone = [each for each in published if each.request.id not in listed]
    if len(published) < _FEW or len(gone) <= _TOO_MANY * len(published):
        return ""
    return f"the portal lists no request for {len(gone)} of {len(published)} observations that it has scheduled"
