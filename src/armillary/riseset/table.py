"""The answer as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from armillary.riseset.timescales import FloatArray, datetime_from_unix
from armillary.riseset.tracks import IntArray


@dataclass(frozen=True, eq=False)
class WindowTable:
    """Windows of every target at every site, flat.

    Attributes:
        starts, ends: Unix seconds (UTC), half-open, in order of target, then site, then time.
        offsets: windows of target ``i`` at site ``j`` are numbers ``offsets[k]`` to ``offsets[k + 1]`` (exclusive) with
            ``k = i * n_sites + j``.
        shape: (n_targets, n_sites).
    """

    starts: FloatArray
    ends: FloatArray
    offsets: IntArray
    shape: tuple[int, int]

    def of(self, target: int, site: int) -> tuple[FloatArray, FloatArray]:
        """Starts and ends of one target at one site, by index."""
        n_targets, n_sites = self.shape
        if not (0 <= target < n_targets and 0 <= site < n_sites):
            raise IndexError(f"target {target}, site {site} of a table of {n_targets} targets and {n_sites} sites.")
        cell = target * n_sites + site
        chosen = slice(int(self.offsets[cell]), int(self.offsets[cell + 1]))
        return self.starts[chosen], self.ends[chosen]

    def to_lists(self) -> list[list[list[tuple[datetime, datetime]]]]:
        """The same as nested lists ``[target][site]`` of pairs of aware UTC datetimes."""
        windows = [
            (datetime_from_unix(a), datetime_from_unix(b))
            for a, b in zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        ]
        edges = self.offsets.tolist()
        cells = [windows[a:b] for a, b in pairwise(edges)]
        n_targets, n_sites = self.shape
        return [cells[i * n_sites : (i + 1) * n_sites] for i in range(n_targets)]
