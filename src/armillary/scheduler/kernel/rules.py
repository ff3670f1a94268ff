"""Rows of the linear programme for what is not time: changes of set-up, and distances between observations.

A piece in which ``m`` set-ups are used has at least ``m - 1`` changes in it. Whether a set-up is *used* is a variable
of its own, between 0 and 1; each option with it is at most as much chosen as the set-up is used (a :class:`Link`).

Two reservations with a distance rule exclude each other where one is late and the other early: of the starts of the one
from an instant on, and those of the other that end too soon after it, only one can be had (a :class:`Clique`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from armillary.scheduler.kernel.model import NOTHING, Compilation, Model
from armillary.scheduler.kernel.problem import FloatArray, IntegerArray

_VIOLATION = 1e-3
"""A row is added if it is broken by more than this."""
_SAME_S = 1e-6
"""Starts nearer than this to what a rule allows are taken as allowed."""


class Link(NamedTuple):
    """An option is chosen at most as much as its set-up is used."""

    option: int
    use: int
    capacity: float = 0.0


class Clique(NamedTuple):
    """By one side of a distance rule: the partner's starts from ``at_s`` on, and own ones too early for all those."""

    owner: int
    rule: int
    at_s: float
    capacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Uses:
    """Set-ups that may be used in a piece, where another one may be used too and changing to it takes time."""

    piece: IntegerArray
    seconds: FloatArray
    """The least time that changing to it takes, on top of the least gap."""
    of_option: IntegerArray
    """By option: the use of its set-up, or NOTHING."""

    def first_free(self, pieces: int) -> FloatArray:
        """By piece: what one use may cost nothing, as the first needs no change."""
        free = np.zeros(pieces)
        np.maximum.at(free, self.piece, self.seconds)
        return free


def uses_of(compilation: Compilation) -> Uses:
    """The uses of a problem; none where no change takes time."""
    model = compilation.model
    if not len(model.option_piece) or not model.changes.any():
        return Uses(np.zeros(0, np.int32), np.zeros(0), np.full(len(model.option_piece), NOTHING, dtype=np.int32))
    setups = model.changes.shape[1]
    pair, number = np.unique(
        model.option_piece.astype(np.int64) * setups + model.setup[model.option_reservation], return_inverse=True
    )
    piece, setup = (pair // setups).astype(np.int32), pair % setups
    seconds = _least_entries(model)[model.slab_changes[compilation.piece_slab[piece]], setup]
    counts = (np.bincount(piece)[piece] > 1) & (seconds > 0.0)
    renumbered = np.where(counts, np.cumsum(counts) - 1, NOTHING).astype(np.int32)
    return Uses(piece[counts], seconds[counts], renumbered[number])


def _least_entries(model: Model) -> FloatArray:
    """By table of changes and set-up: the least change to it from another one in use, less the least of all gaps."""
    used = np.unique(model.setup)
    table = model.changes[:, used[:, None], used[None, :]]
    least = table.min(axis=(1, 2))
    others = np.where(np.eye(len(used), dtype=np.bool_), np.inf, table)
    found = np.zeros(model.changes.shape[:2])
    found[:, used] = others.min(axis=1) - least[:, None] if len(used) > 1 else 0.0
    return found


def broken_links(uses: Uses, share: FloatArray, used: FloatArray) -> list[Link]:
    """The links that shares by option and uses break."""
    linked = np.flatnonzero(uses.of_option != NOTHING)
    broken = linked[share[linked] > used[uses.of_option[linked]] + _VIOLATION]
    return [Link(option, int(uses.of_option[option])) for option in broken.tolist()]


def rule_sides(model: Model) -> tuple[IntegerArray, FloatArray]:
    """By side of a distance rule: its reservation, and the least start less the partner's; minus infinity if none."""
    owner = np.repeat(np.arange(len(model.duration)), np.diff(model.first_partner)).astype(np.int32)
    # Where order does not matter there is no least difference, but still none that is too far below zero.
    return owner, np.where(model.partner_mirrored == 1, -model.partner_high, model.partner_low)


def clique_parts(
    clique: Clique, model: Model, first_part: IntegerArray, start: FloatArray, latest: FloatArray
) -> IntegerArray:
    """The parts in a clique."""
    partner = int(model.partner[clique.rule])
    low = float(rule_low(model, clique.rule))
    theirs = np.arange(first_part[partner], first_part[partner + 1])
    own = np.arange(first_part[clique.owner], first_part[clique.owner + 1])
    early = own[latest[own] < clique.at_s + low - _SAME_S]
    parts: IntegerArray = np.concatenate([theirs[start[theirs] >= clique.at_s], early]).astype(np.int32)
    return parts


def rule_low(model: Model, rule: int) -> float:
    """The least start of a side of a rule less the partner's."""
    return float(-model.partner_high[rule] if model.partner_mirrored[rule] == 1 else model.partner_low[rule])


def broken_cliques(
    model: Model, first_part: IntegerArray, start: FloatArray, latest: FloatArray, share: FloatArray
) -> list[Clique]:
    """For every side of a distance rule, the clique that shares by part break most."""
    owner, low = rule_sides(model)
    total = np.bincount(np.repeat(np.arange(len(model.duration)), np.diff(first_part)), weights=share)
    total = np.concatenate([total, np.zeros(len(model.duration) - len(total))])
    crowded = np.isfinite(low) & (total[owner] + total[model.partner] > 1.0 + _VIOLATION)
    cliques: list[Clique] = []
    for rule in np.flatnonzero(crowded).tolist():
        mine, theirs = int(owner[rule]), int(model.partner[rule])
        own = slice(first_part[mine], first_part[mine + 1])
        other = slice(first_part[theirs], first_part[theirs + 1])
        times = np.unique(start[other][share[other] > 0.0])
        late = (start[other][None, :] >= times[:, None]) @ share[other]
        early = (latest[own][None, :] < times[:, None] + low[rule] - _SAME_S) @ share[own]
        worst = int(np.argmax(late + early))
        if late[worst] + early[worst] > 1.0 + _VIOLATION:
            cliques.append(Clique(mine, rule, float(times[worst])))
    return cliques
