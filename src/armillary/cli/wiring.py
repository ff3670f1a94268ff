"""Builds the processes that are not Django's - scheduler, telescope agent, ingester - from the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from armillary import clock
from armillary.clients.archive import ArchiveClient
from armillary.clients.configdb import ConfigDBClient
from armillary.clients.downtime import DowntimeClient
from armillary.clients.portal import PortalClient
from armillary.clients.transport import connect
from armillary.configuration import Configuration, configuration
from armillary.scheduler.fetch import read_snapshot
from armillary.scheduler.loop import LoopSettings, SchedulerLoop
from armillary.scheduler.monitors import monitors_from
from armillary.scheduler.simulation.world import World
from armillary.telescope.agent import TelescopeAgent


class WiringError(RuntimeError):
    """A process cannot be built from the settings; the message says what is missing."""


def build_scheduler(*, interval_s: float | None = None, time_limit_s: float | None = None) -> SchedulerLoop:
    """The scheduler's loop, from the configuration of this process; what is given goes before the configuration."""
    settings = configuration()
    token = _token(settings)
    return SchedulerLoop(
        portal=PortalClient(connect("portal", token=token)),
        configdb=ConfigDBClient(connect("configdb")),
        downtime=DowntimeClient(connect("downtime")),
        settings=LoopSettings(
            horizon_days=settings.scheduler_horizon_days,
            interval_s=interval_s or settings.scheduler_interval_s,
            time_limit_s=time_limit_s or settings.scheduler_time_limit_s,
            time_overuse_allowance=settings.proposal_time_overuse_allowance,
        ),
        data_directory=settings.data_directory / "scheduler",
        monitors=[] if settings.scheduler_monitors is None else monitors_from(settings.scheduler_monitors),
        token=token,
    )


def read_world(nights: int) -> World:
    """The observatory with everything that waits, from the services in force, to play so many nights with."""
    settings = configuration()
    portal = PortalClient(connect("portal", token=_token(settings)))
    configdb = ConfigDBClient(connect("configdb"))
    horizon = timedelta(days=nights + settings.scheduler_horizon_days)
    now = clock.now()
    snapshot = read_snapshot(
        portal,
        configdb,
        DowntimeClient(connect("downtime")),
        now=now,
        end=now + horizon,
        time_overuse_allowance=settings.proposal_time_overuse_allowance,
    )
    return World(snapshot, configdb.sites())


def build_agent(key: str, *, poll_interval_s: float | None = None) -> TelescopeAgent:
    """The agent of one telescope, with the simulator as its driver.

    Args:
        key: Which telescope: ``site.enclosure.telescope``.
        poll_interval_s: Observatory seconds between two looks at the portal; by default the agent decides.

    Raises:
        WiringError: There is no such telescope; the message lists those that there are.
    """
    from armillary.telescope.drivers.simulator import Simulator

    settings = configuration()
    token = _token(settings)
    observatory = ConfigDBClient(connect("configdb")).observatory()
    telescope = observatory.telescope(key)
    if telescope is None:
        known = ", ".join(it.key for it in observatory.telescopes())
        raise WiringError(f"there is no telescope {key!r}; the configuration database knows {known}")
    directory = settings.data_directory / "telescopes" / telescope.key
    portal = PortalClient(connect("portal", token=token))
    return TelescopeAgent(
        portal=portal,
        observatory=observatory,
        telescope=telescope.key,
        driver=Simulator(observatory, telescope.key),
        ingest=_ingest(token, portal),
        data_directory=directory,
        poll_interval_s=poll_interval_s,
    )


def _ingest(token: str, portal: PortalClient) -> Any:
    from armillary.ingester import ingest

    archive = ArchiveClient(connect("archive", token=token))
    return partial(ingest, archive=archive, tags_of=_tags_from(portal))


def _token(settings: Configuration) -> str:
    if settings.api_token is None:
        raise WiringError(
            "ARMILLARY_API_TOKEN is not set; make an account for service processes with: "
            "armillary users create services --superuser --token"
        )
    return settings.api_token.get_secret_value()


def ingesting_archive() -> ArchiveClient:
    """The archive, with the right to add to it."""
    return ArchiveClient(connect("archive", token=_token(configuration())))


def proposal_tags() -> Callable[[str], Iterable[str]]:
    """Looks up the tags of a proposal in the portal: they decide when its frames become public."""
    return _tags_from(PortalClient(connect("portal", token=_token(configuration()))))


def journal_directory() -> Path:
    """Where the ingester remembers what it has done."""
    return configuration().data_directory / "ingester"


def _tags_from(portal: PortalClient) -> Callable[[str], Iterable[str]]:
    return lambda proposal: portal.proposal(proposal).tags
