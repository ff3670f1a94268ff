"""Guessed prices: what the bound and the first columns of the linear programme rest on where options are many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from armillary.scheduler.kernel import pricing, solve
from armillary.scheduler.kernel.acceleration import COMPILED
from armillary.scheduler.kernel.model import compile_problem
from armillary.scheduler.kernel.relaxation import Relaxation
from armillary.scheduler.neutral import read_instance

INSTANCE = Path(__file__).parent / "data" / "t03_m0500_d7.json.gz"


@pytest.mark.skipif(not COMPILED, reason="prices are cooled by compiled code only")
def test_cooled_prices_prove_more_than_warm_ones_and_never_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = read_instance(INSTANCE)[1]
    relaxation = Relaxation(compile_problem(problem))
    prices = relaxation.free_prices()
    bounds = []
    for many in (len(relaxation.value), 0):
        monkeypatch.setattr(pricing, "MANY_OPTIONS", many)
        prices.piece = pricing.guess_prices(relaxation)
        bounds.append(relaxation.bound(prices, relaxation.value - relaxation.part_cost(prices)))
    warm, cold = bounds
    plan = solve(problem, iteration_limit=2000)
    assert plan.value <= cold < warm
    assert cold < 1.01 * plan.value  # this instance is solved to proven optimality


def test_demand_is_the_same_counted_by_loops_and_by_arrays() -> None:
    relaxation = Relaxation(compile_problem(read_instance(INSTANCE)[1]))
    price = np.linspace(0.0, 0.5, len(relaxation.capacity))
    by_loops = pricing._crowding(relaxation, price, 0.1, by_numpy=False)
    by_arrays = pricing._crowding(relaxation, price, 0.1, by_numpy=True)
    assert by_loops == pytest.approx(by_arrays, rel=1e-3)
