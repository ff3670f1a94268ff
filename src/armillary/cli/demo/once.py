"""One night as fast as the machine can: services and workers are processes, scheduler and telescopes go step by step.

The clock stands still while something works and is set forward to the next moment at which anything is due, so that the
night takes as long as its work and no longer. What is stepped here is what ``armillary scheduler run`` and ``armillary
telescope run`` run: the same loops, asked once at a time.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

from armillary import clock
from armillary.cli.demo.prepare import PROPOSAL
from armillary.cli.demo.stage import Stage
from armillary.cli.wiring import build_agent, build_scheduler
from armillary.core.requests.states import TERMINAL
from armillary.scheduler.loop import SchedulerLoop
from armillary.telescope.agent import TelescopeAgent

_SCHEDULER: Final = "scheduler"
_AFTER_DAWN: Final = timedelta(minutes=10)
_PATIENCE_S: Final = 60.0  # real seconds in which the worker must have closed what expired
_SOLVE_LIMIT_S: Final = 0.5  # CPU seconds: a night of a dozen requests is as good after half a second as after ten
_RARELY_S: Final = 3600.0  # observatory seconds; everybody is told when something changes, so nobody needs to look


class Night:
    """Steps one scheduler and all telescopes through the night."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._scheduler: SchedulerLoop = build_scheduler(interval_s=_RARELY_S, time_limit_s=_SOLVE_LIMIT_S)
        self._agents: dict[str, TelescopeAgent] = {
            key: build_agent(key, poll_interval_s=_RARELY_S) for key in stage.telescopes
        }
        self._due: dict[str, datetime] = dict.fromkeys([_SCHEDULER, *self._agents], clock.now())

    def observe(self) -> None:
        """Go on until every request is settled or the night is over."""
        end = self._stage.night.dawn + _AFTER_DAWN
        while True:
            who = min(self._due, key=self._due.__getitem__)
            moment = max(self._due[who], clock.now())
            if moment > end:
                break
            self._stage.installation.set_clock(moment, 0.0)
            if self._step(who) and not self.unsettled():
                return
        self._stage.installation.set_clock(end, 0.0)
        self._deliver()
        self._wait_for_expiry()

    def unsettled(self) -> list[str]:
        """Names and states of the astronomer's request groups that are not in a terminal state."""
        groups = self._stage.portal("astronomer").request_groups(proposal=PROPOSAL)
        return [f"{group.name} ({group.state})" for group in groups if group.state not in TERMINAL]

    def _step(self, who: str) -> bool:
        """Let one of them do what is due; returns whether an observation ended."""
        if who == _SCHEDULER:
            self._due[who] = self._scheduler.step()
            for key, agent in self._agents.items():
                agent.refresh()
                self._due[key] = min(self._due[key], clock.now())
            return False
        agent = self._agents[who]
        was_observing = agent.observing is not None
        self._due[who] = agent.step()
        has_ended = was_observing and agent.observing is None
        if has_ended:
            self._scheduler.wake()
            self._due[_SCHEDULER] = clock.now()
        return has_ended

    def _deliver(self) -> None:
        """Let the telescopes report and upload what they still hold."""
        for agent in self._agents.values():
            agent.step()

    def _wait_for_expiry(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while self.unsettled() and time.monotonic() < deadline:
            time.sleep(0.5)
