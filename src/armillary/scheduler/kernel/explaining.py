"""Why each reservation is in the plan or not: from the plan and the prices of the relaxation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from armillary.scheduler.kernel.linear import Bounding
from armillary.scheduler.kernel.model import NOTHING, Compilation
from armillary.scheduler.kernel.plan import Explanation, Status
from armillary.scheduler.kernel.problem import Entry, FloatArray, Group, GroupKind, Identifier, Problem
from armillary.scheduler.kernel.relaxation import Relaxation

_HISTORY = (Status.NO_WINDOW, Status.TOO_SHORT, Status.BLOCKED)
_MOST_NAMED = 5


def explain(
    problem: Problem, compilation: Compilation, relaxation: Relaxation, bounding: Bounding, entries: Sequence[Entry]
) -> dict[Identifier, Explanation]:
    """An explanation for every reservation."""
    explaining = _Explaining(
        problem=problem,
        compilation=compilation,
        cost=relaxation.option_cost(bounding.prices),
        entries={entry.reservation: entry for entry in entries},
        group_of={member: group for group in problem.groups for member in group.members},
        left=_left(problem, entries),
    )
    return {each.id: explaining.of(index) for index, each in enumerate(problem.reservations)}


def _left(problem: Problem, entries: Sequence[Entry]) -> dict[str, float]:
    scheduled = {entry.reservation for entry in entries}
    left = {allocation.id: allocation.limit_s for allocation in problem.allocations}
    for each in problem.reservations:
        if each.id in scheduled:
            for name, seconds in each.charges.items():
                left[name] -= seconds
    return left


@dataclass(frozen=True, slots=True)
class _Explaining:
    problem: Problem
    compilation: Compilation
    cost: FloatArray
    entries: Mapping[Identifier, Entry]
    group_of: Mapping[Identifier, Group]
    left: Mapping[str, float]

    def of(self, index: int) -> Explanation:
        """The explanation of one reservation."""
        reservation = self.problem.reservations[index]
        model = self.compilation.model
        options = np.arange(model.first_option[index], model.first_option[index + 1])
        entry = self.entries.get(reservation.id)
        offered = reservation.value / reservation.duration_s
        if entry is None and not len(options):
            status = _HISTORY[min(int(self.compilation.had_window[index]), 2)]
            return Explanation(reservation.id, status, reservation.value, offered)
        status, allocation, blocking = self._status(index, options)
        cheapest = int(options[int(np.argmin(self.cost[options]))]) if len(options) else NOTHING
        price = float(self.cost[cheapest]) if cheapest != NOTHING else 0.0
        return Explanation(
            reservation=reservation.id,
            status=status,
            value=reservation.value,
            offered_per_s=offered,
            resources=len(np.unique(self.compilation.piece_resource[model.option_piece[options]])),
            resource=entry.resource if entry else self._resource(cheapest),
            start_s=entry.start_s if entry else None,
            price_per_s=price / reservation.duration_s,
            needed_value=price,
            allocation=allocation,
            blocking=blocking,
        )

    def _status(
        self,
        index: int,
        options: np.ndarray,
    ) -> tuple[Status, str | None, tuple[Identifier, ...]]:
        reservation = self.problem.reservations[index]
        if reservation.id in self.entries:
            return Status.SCHEDULED, None, ()
        short = [name for name, seconds in sorted(reservation.charges.items()) if self.left[name] < seconds]
        if short:
            return Status.ALLOCATION, short[0], ()
        group = self.group_of.get(reservation.id)
        siblings = tuple(it for it in group.members if it != reservation.id) if group else ()
        if group and group.kind is GroupKind.ONEOF:
            taken = tuple(it for it in siblings if it in self.entries)
            if taken:
                return Status.SIBLING, None, taken
        if group and group.kind is GroupKind.AND:
            return Status.INCOMPLETE, None, siblings[:_MOST_NAMED]
        partners = self._partners(index)
        if partners:
            return Status.SPACING, None, partners
        is_outbid = bool((reservation.value <= self.cost[options] * (1 + 1e-9)).all())
        return (Status.OUTBID if is_outbid else Status.CROWDED_OUT), None, self._neighbours(index)

    def _partners(self, index: int) -> tuple[Identifier, ...]:
        model = self.compilation.model
        partners = model.partner[model.first_partner[index] : model.first_partner[index + 1]].tolist()
        names = [self.problem.reservations[each].id for each in partners]
        return tuple(name for name in names if name in self.entries)[:_MOST_NAMED]

    def _neighbours(self, index: int) -> tuple[Identifier, ...]:
        """What is scheduled in the time that it could use, nearest to its cheapest option."""
        model = self.compilation.model
        run = slice(model.first_option[index], model.first_option[index + 1])
        cheapest = int(model.first_option[index] + int(np.argmin(self.cost[run])))
        resource = self._resource(cheapest)
        start = float(model.option_start[cheapest])
        end = float(model.option_latest[cheapest] + model.duration[index])
        return tuple(
            entry.reservation
            for entry in self.entries.values()
            if entry.resource == resource and start <= entry.start_s < end
        )[:_MOST_NAMED]

    def _resource(self, option: int) -> str | None:
        if option == NOTHING:
            return None
        model = self.compilation.model
        return self.problem.resources[int(self.compilation.piece_resource[model.option_piece[option]])].id
