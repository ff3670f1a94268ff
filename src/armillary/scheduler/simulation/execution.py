"""Many plays at once: on all cores, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from armillary.scheduler.simulation.night import Luck, Play, play
from armillary.scheduler.simulation.world import World, from_json


@dataclass(frozen=True, slots=True)
class Spread:
    """Where to compute."""

    jobs: int = -1
    """Processes on this machine; -1 for all cores."""
    dask: str | None = None
    """Address of a Dask scheduler to use instead."""


def play_all(
    world: World, nights: int, luck: Luck, *, seeds: Iterable[int], time_limit_s: float, spread: Spread
) -> list[Play]:
    """One play for each seed, in their order; the result does not depend on where it is computed."""
    from joblib import Parallel, delayed

    document = world.as_json()
    with _cluster(spread.dask):
        workers = Parallel(n_jobs=None if spread.dask else spread.jobs)
        return list(workers(delayed(_play)(document, nights, luck, seed, time_limit_s) for seed in seeds))


def _play(document: Mapping[str, Any], nights: int, luck: Luck, seed: int, time_limit_s: float) -> Play:
    """A play in a process of its own, which gets the world as plain data."""
    return play(from_json(document), nights, luck, seed, time_limit_s=time_limit_s)


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    if address is None:
        yield
        return
    from joblib import parallel_config

    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError("--dask needs the extra: pip install 'armillary[dask]'") from error
    with Client(address), parallel_config(backend="dask"):
        yield
