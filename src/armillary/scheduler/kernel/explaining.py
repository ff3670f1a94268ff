"""Why each reservation is in the plan or not: from the plan and the prices of the relaxation."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from armillary.scheduler.kernel.linear import Bounding
from armillary.scheduler.kernel.model import NOTHING, Compilation, Model
from armillary.scheduler.kernel.plan import Explanation, Status
from armillary.scheduler.kernel.problem import (
    Entry,
    FloatArray,
    Group,
    GroupKind,
    Identifier,
    IntegerArray,
    Problem,
)
from armillary.scheduler.kernel.relaxation import Relaxation

_HISTORY = (Status.NO_WINDOW, Status.TOO_SHORT, Status.BLOCKED)
_MOST_NAMED = 5


def explain(
    problem: Problem, compilation: Compilation, relaxation: Relaxation, bounding: Bounding, entries: Sequence[Entry]
) -> dict[Identifier, Explanation]:
    """An explanation for every reservation."""
    cheapest, price = _cheapest_options(compilation.model, relaxation.option_cost(bounding.prices))
    explaining = _Explaining(
        problem=problem,
        compilation=compilation,
        cheapest=cheapest.tolist(),
        price=price.tolist(),
        places=_places(compilation, len(problem.resources)).tolist(),
        entries={entry.reservation: entry for entry in entries},
        on_resource=_by_resource(entries),
        group_of={member: group for group in problem.groups for member in group.members},
        left=_left(problem, entries),
    )
    return {each.id: explaining.of(index) for index, each in enumerate(problem.reservations)}


def _cheapest_options(model: Model, cost: FloatArray) -> tuple[IntegerArray, FloatArray]:
    """By reservation: its (first) cheapest option and what that costs; NOTHING and 0 where it has none."""
    reservations = len(model.duration)
    order = np.lexsort((cost, model.option_reservation))
    some = np.flatnonzero(np.diff(model.first_option))
    cheapest = np.full(reservations, NOTHING, dtype=np.int32)
    cheapest[some] = order[model.first_option[some]]
    price = np.zeros(reservations)
    price[some] = cost[cheapest[some]]
    return cheapest, price


def _places(compilation: Compilation, resources: int) -> IntegerArray:
    """By reservation: on how many resources it has an option."""
    model = compilation.model
    resource = compilation.piece_resource[model.option_piece].astype(np.int64)
    pairs = np.unique(model.option_reservation * np.int64(max(resources, 1)) + resource)
    places: IntegerArray = np.bincount(pairs // max(resources, 1), minlength=len(model.duration)).astype(np.int32)
    return places


def _by_resource(entries: Sequence[Entry]) -> dict[str, tuple[list[float], list[Identifier]]]:
    """By resource: the starts in order, and what starts then."""
    found: dict[str, tuple[list[float], list[Identifier]]] = {}
    for entry in sorted(entries, key=lambda each: each.start_s):
        starts, names = found.setdefault(entry.resource, ([], []))
        starts.append(entry.start_s)
        names.append(entry.reservation)
    return found


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
    cheapest: Sequence[int]
    """By reservation: the option that costs least; NOTHING if it has none."""
    price: Sequence[float]
    """By reservation: what that costs."""
    places: Sequence[int]
    """By reservation: on how many resources it has options."""
    entries: Mapping[Identifier, Entry]
    on_resource: Mapping[str, tuple[Sequence[float], Sequence[Identifier]]]
    group_of: Mapping[Identifier, Group]
    left: Mapping[str, float]

    def of(self, index: int) -> Explanation:
        """The explanation of one reservation."""
        reservation = self.problem.reservations[index]
        cheapest, price = self.cheapest[index], self.price[index]
        entry = self.entries.get(reservation.id)
        offered = reservation.value / reservation.duration_s
        if entry is None and cheapest == NOTHING:
            status = _HISTORY[min(int(self.compilation.had_window[index]), 2)]
            return Explanation(reservation.id, status, reservation.value, offered)
        status, allocation, blocking = self._status(index)
        return Explanation(
            reservation=reservation.id,
            status=status,
            value=reservation.value,
            offered_per_s=offered,
            resources=self.places[index],
            resource=entry.resource if entry else self._resource(cheapest),
            start_s=entry.start_s if entry else None,
            price_per_s=price / reservation.duration_s,
            needed_value=price,
            allocation=allocation,
            blocking=blocking,
        )

    def _status(self, index: int) -> tuple[Status, str | None, tuple[Identifier, ...]]:
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
        is_outbid = reservation.value <= self.price[index] * (1 + 1e-9)
        return (Status.OUTBID if is_outbid else Status.CROWDED_OUT), None, self._neighbours(index)

    def _partners(self, index: int) -> tuple[Identifier, ...]:
        model = self.compilation.model
        partners = model.partner[model.first_partner[index] : model.first_partner[index + 1]].tolist()
        names = [self.problem.reservations[each].id for each in partners]
        return tuple(name for name in names if name in self.entries)[:_MOST_NAMED]

    def _neighbours(self, index: int) -> tuple[Identifier, ...]:
        """What is scheduled in the time that it could use, nearest to its cheapest option."""
        model, cheapest = self.compilation.model, self.cheapest[index]
        starts, names = self.on_resource.get(self._resource(cheapest) or "", ((), ()))
        first = bisect_left(starts, float(model.option_start[cheapest]))
        last = bisect_left(starts, float(model.option_latest[cheapest] + model.duration[index]))
        return tuple(names[first : min(last, first + _MOST_NAMED)])

    def _resource(self, option: int) -> str | None:
        if option == NOTHING:
            return None
        model = self.compilation.model
        return self.problem.resources[int(self.compilation.piece_resource[model.option_piece[option]])].id
