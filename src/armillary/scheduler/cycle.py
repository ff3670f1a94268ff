"""One whole cycle: read the world, plan, publish, say why, and keep the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from armillary import clock
from armillary.clients.errors import ClientError
from armillary.scheduler import metrics
from armillary.scheduler.assembly import horizon_of
from armillary.scheduler.documents import document_of, save
from armillary.scheduler.explanations import Reason, reasons_of
from armillary.scheduler.fetch import read_snapshot
from armillary.scheduler.lease import LeaseKeeper
from armillary.scheduler.plausibility import Plausibility
from armillary.scheduler.publish import Publication, differences, publish
from armillary.scheduler.relaxing import relaxations
from armillary.scheduler.run import KnownPrices, Run, SolverLimits, plan_run
from armillary.scheduler.services import Services
from armillary.scheduler.snapshot import Snapshot
from armillary.scheduler.stages import Stages
from armillary.scheduler.states import LoopSettings, LoopStatus, State
from armillary.scheduler.visibility import SkyWindows

_log = structlog.get_logger(__name__)
_DECISIVE: Final = ("status", "telescope", "start", "blocking", "relaxation", "telescopes")
_PRICES_MOVE: Final = 0.1
"""Share by which a price changes before it is told anew."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a cycle may take."""

    lead: timedelta
    """Observatory time from its beginning until the plan is published."""
    limits: SolverLimits
    should_stop: Callable[[], bool]
    """Asked while the solver works."""
    is_interrupted: Callable[[], bool]
    """Whether the plan is not wanted any more, because something goes first."""


@dataclass(slots=True)
class Cycle:
    """Runs cycles, and remembers between them what makes the next one quicker."""

    services: Services
    settings: LoopSettings
    lease: LeaseKeeper
    directory: Path
    """Where the documents of the runs are kept."""
    sky: SkyWindows = field(default_factory=SkyWindows)
    relaxed_sky: SkyWindows = field(default_factory=SkyWindows)
    """For what would be seen with weaker constraints."""
    plausibility: Plausibility = field(default_factory=Plausibility)
    prices: KnownPrices | None = None
    own_cancellations: set[str] = field(default_factory=set)
    """Observations whose cancellation is no news."""
    last_snapshot: Snapshot | None = None
    last_run: Run | None = None
    """The last one that was published."""
    last_changed: datetime | None = None
    _told: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    """What the portal was told about each request."""

    def run(self, now: datetime, budget: Budget) -> LoopStatus:
        """Run one cycle.

        Raises:
            ClientError: A service could not be reached, or refused; what was published until then is in force.
            MonitorUnavailable: A monitor could not be read.
            SourceImplausible: What was read is not to be believed.
            LeaseHeld: Another scheduler publishes.
            InfeasiblePlan: The kernel refused its own plan.
        """
        stages = Stages()
        with stages.stage("fetch"):
            self.lease.take()
            changed = self.services.portal.last_changed()
            snapshot = self._read(now)
        self.plausibility.check(snapshot)
        horizon = horizon_of(now, lead=budget.lead, length=self.settings.horizon)
        run = plan_run(
            snapshot,
            horizon,
            self.sky,
            budget.limits,
            prices=self.prices,
            should_stop=budget.should_stop,
            stages=stages,
        )
        self.prices = run.prices
        if budget.is_interrupted():
            return LoopStatus(State.INTERRUPTED, "Rapid-response work came in between and goes first.", now)
        with stages.stage("publish"):
            publication, is_late = self._publish(run, snapshot)
        self.last_changed = changed
        with stages.stage("explain"):
            reasons = reasons_of(run, relaxations(run, self.relaxed_sky))
        document = save(
            document_of(run, budget.limits, reasons, publication), self.directory, keep=self.settings.runs_kept
        )
        metrics.measure(run, reasons, publication)
        self.last_run = run
        status = _status_of(publication, run, now, document, reasons)
        return replace(status, again=status.again or is_late)

    def tell(self, status: LoopStatus) -> None:
        """Tell the portal how a run went, and what is new about its requests; if it cannot be told, that is no harm."""
        if self.lease.fence is None or status.at is None:
            return
        said = {each.request: each.as_json() for each in status.reasons}
        news = [reason for request, reason in said.items() if _is_news(self._told.get(request), reason)]
        try:
            self.services.portal.report_run(
                fence=self.lease.fence,
                run="" if status.document is None else status.document.name,
                at=status.at,
                state=status.state.value,
                sentence=status.sentence,
                reasons=news,
            )
        except ClientError as error:
            _log.warning("run_not_reported", reason=str(error))
        else:
            if status.reasons:
                kept = {request: self._told[request] for request in said.keys() & self._told.keys()}
                self._told = kept | {int(reason["request"]): reason for reason in news}

    def _read(self, now: datetime) -> Snapshot:
        self.last_snapshot = read_snapshot(
            self.services.portal,
            self.services.configdb,
            self.services.downtime,
            now=now,
            end=now + self.settings.horizon,
            time_overuse_allowance=self.settings.time_overuse_allowance,
            monitors=self.services.monitors,
        )
        return self.last_snapshot

    def _publish(self, run: Run, snapshot: Snapshot) -> tuple[Publication, bool]:
        """Publish what is still to come of a plan; whether some of it is over already."""
        self.lease.take()  # a long solution may have outlived it
        start, end = max(run.horizon.start, clock.now()), run.horizon.end
        plan = run.by_telescope()
        timely = {key: [each for each in own if each.start >= start] for key, own in plan.items()}
        changes = differences(timely, snapshot, start, end, run.preempted)
        if run.preempted:
            _log.warning("observations_preempted", observations=[each.id for each in run.preempted])
        self.own_cancellations.clear()
        self.own_cancellations.update(str(each.id) for change in changes for each in change.cancel)
        self.own_cancellations.update(str(each.id) for each in run.preempted)
        published = publish(self.services.portal, changes, snapshot.versions, start, end, self.lease.fence)
        return published, any(len(timely[key]) < len(own) for key, own in plan.items())


def _is_news(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> bool:
    """Whether a reason says something else than before; prices that move a little do not."""
    if before is None or any(before[name] != now[name] for name in _DECISIVE):
        return True
    old, new = before["needed_value"], now["needed_value"]
    return (old is None) != (new is None) or (old is not None and abs(new - old) > _PRICES_MOVE * max(abs(old), 1e-9))


def _status_of(
    publication: Publication, run: Run, now: datetime, document: Path, reasons: Sequence[Reason]
) -> LoopStatus:
    if publication.refused:
        where = "; ".join(f"{telescope}: {reason}" for telescope, reason in publication.refused.items())
        state, sentence = State.REFUSED, f"The portal refused a part of the plan: {where}."
    elif publication.stale:
        state, sentence = State.STALE, f"The schedule of {', '.join(publication.stale)} changed meanwhile."
    else:
        state = State.PUBLISHED
        sentence = (
            f"{sum(len(each.plan.entries) for each in run.solutions)} observations planned, "
            f"{len(publication.created) + publication.posted} new, {len(publication.cancelled)} withdrawn; "
            f"at most {100 * run.normal.plan.gap:.2g} % below the best plan there is."
        )
    return LoopStatus(state, sentence, now, document, tuple(reasons), again=bool(run.preempted))
