"""Whatever astronomers, schedulers, telescopes and the clock do, in any order: what must always hold, holds.

A state machine of hypothesis drives the real services over the API and checks the invariants after every step.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from rest_framework.test import APIClient

from armillary.core.observations.states import LIVE, ConfigurationState
from armillary.core.requests.states import ALLOWED, State

from .conftest import NIGHT, NOW, wish

REPORTS = [state.value for state in ConfigurationState if state is not ConfigurationState.ABORTED]


class Lives(RuleBasedStateMachine):
    """One telescope, one proposal, and everything that can happen to its requests."""

    astronomer: ClassVar[APIClient]
    operator: ClassVar[APIClient]
    body: ClassVar[dict[str, Any]]
    set_clock: ClassVar[Callable[[datetime], None]]

    groups = Bundle("groups")
    observations = Bundle("observations")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.set_clock(self.now)
        self.sandbox = transaction.atomic()
        self.sandbox.__enter__()  # left in teardown: every run begins with the same database

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.sandbox.__exit__(None, None, None)

    @initialize(target=groups)
    def first_group(self) -> Any:
        return self.submit(1, 1.0)

    @rule(target=groups, requests=st.integers(1, 3), ipp_value=st.sampled_from([0.5, 1.0, 1.1, 2.0]))
    def submit(self, requests: int, ipp_value: float) -> Any:
        body = copy.deepcopy(self.body) | {"ipp_value": ipp_value}
        body["operator"] = "SINGLE" if requests == 1 else "MANY"
        body["requests"] = [copy.deepcopy(body["requests"][0]) for _ in range(requests)]
        answer = self.astronomer.post("/api/requestgroups/", body)
        assert answer.status_code in {201, 400}, answer.content
        return answer.json() if answer.status_code == 201 else multiple()

    @rule(target=observations, group=groups, which=st.integers(0, 2), minutes=st.integers(0, 120), long=st.booleans())
    def schedule(self, group: Any, which: int, minutes: int, *, long: bool) -> Any:
        request = group["requests"][which % len(group["requests"])]
        start = max(self.now, NIGHT) + timedelta(minutes=minutes)
        item = wish({"requests": [request]}, start, minutes=40 if long else 5)
        answer = self.operator.post("/api/observations/", item)
        assert answer.status_code in {201, 400}, answer.content
        if answer.status_code == 400:
            return multiple()
        (row,) = self.operator.get("/api/observations/?limit=1").json()["results"]
        (configuration,) = row["request"]["configurations"]
        return {"id": row["id"], "start": row["start"], "status": configuration["configuration_status"]}

    @rule(
        observation=observations,
        state=st.sampled_from(REPORTS),
        exposed_s=st.none() | st.sampled_from([0.0, 30.0, 60.0]),
        minutes=st.integers(0, 30),
    )
    def report(self, observation: Any, state: str, exposed_s: float | None, minutes: int) -> None:
        status = observation["status"]
        body: dict[str, Any] = {"state": state}
        if exposed_s is not None:
            start = datetime.fromisoformat(observation["start"])
            end = start + timedelta(minutes=minutes)
            times = {"start": start.isoformat(), "end": end.isoformat()}
            body["summary"] = {**times, "state": state, "time_completed": exposed_s}
        first = self.operator.patch(f"/api/configurationstatus/{status}/", body)
        assert first.status_code in {200, 400}, first.content
        before = self.photograph()
        again = self.operator.patch(f"/api/configurationstatus/{status}/", body)
        assert again.status_code == first.status_code
        assert self.photograph() == before  # a report that is repeated changes nothing

    @rule(observation=consumes(observations))
    def withdraw(self, observation: Any) -> None:
        answer = self.operator.post(
            "/api/observations/cancel/", {"ids": [observation["id"]], "preemption_enabled": True}
        )
        assert answer.status_code == 200, answer.content

    @rule(observation=observations)
    def condemn(self, observation: Any) -> None:
        answer = self.operator.patch(f"/api/observations/{observation['id']}/", {"state": "BAD_DATA"})
        assert answer.status_code in {200, 400}, answer.content

    @rule(group=groups)
    def cancel(self, group: Any) -> None:
        answer = self.astronomer.post(f"/api/requestgroups/{group['id']}/cancel/")
        assert answer.status_code in {200, 400}, answer.content

    @rule(hours=st.sampled_from([1, 30]))
    def wait(self, hours: int) -> None:
        from armillary.portal.requestgroups.services.expire import expire_requests

        self.now += timedelta(hours=hours)
        self.set_clock(self.now)
        expire_requests(self.now)
        before = self.photograph()
        expire_requests(self.now)
        assert self.photograph() == before  # late, or twice: it makes no difference

    def photograph(self) -> tuple[Any, ...]:
        from armillary.portal.observations.models import ConfigurationStatus, Observation
        from armillary.portal.proposals.models import LedgerEntry
        from armillary.portal.requestgroups.models import Request, RequestGroup

        models = (RequestGroup, Request, Observation, ConfigurationStatus)
        states = [tuple(model.objects.order_by("pk").values_list("pk", "state")) for model in models]
        return (*states, tuple(LedgerEntry.objects.order_by("pk").values_list("pk", "amount_us")))

    @invariant()
    def a_telescope_does_one_thing_at_a_time(self) -> None:
        from armillary.portal.observations.models import Observation

        live = Observation.objects.filter(state__in=LIVE).order_by("start").values_list("start", "end")
        assert all(before[1] <= after[0] for before, after in pairwise(live))

    @invariant()
    def nothing_is_scheduled_for_what_is_over(self) -> None:
        from armillary.portal.observations.models import Observation

        planned = Observation.objects.filter(state="PENDING", end__gt=self.now)
        assert not planned.exclude(request__state=State.PENDING.value).exists()

    @invariant()
    def the_history_leads_to_the_present_by_allowed_steps(self) -> None:
        from armillary.portal.history.models import StateTransition
        from armillary.portal.observations.models import Observation
        from armillary.portal.requestgroups.models import Request, RequestGroup

        lines: dict[tuple[str, int], list[StateTransition]] = {}
        for line in StateTransition.objects.order_by("pk"):
            lines.setdefault((line.subject, line.subject_id), []).append(line)
        subjects = {"request_group": RequestGroup, "request": Request, "observation": Observation}
        for subject, model in subjects.items():
            for row in model.objects.all():
                own = lines[subject, row.pk]
                assert own[0].old == ""
                assert all(before.new == after.old for before, after in pairwise(own))
                assert own[-1].new == row.state
                if subject != "observation":
                    assert all(State(line.new) in ALLOWED[State(line.old)] for line in own[1:])

    @invariant()
    def what_is_complete_was_exposed(self) -> None:
        from armillary.portal.observations.models import ConfigurationStatus
        from armillary.portal.requestgroups.models import Request

        for request in Request.objects.filter(state=State.COMPLETED.value):
            statuses = ConfigurationStatus.objects.filter(observation__request=request).select_related("summary")
            reported = [row for row in statuses if hasattr(row, "summary")]
            assert (
                not reported or any(row.summary.time_completed > 0 for row in reported) or len(reported) < len(statuses)
            )

    @invariant()
    def a_group_is_what_its_requests_are(self) -> None:
        from armillary.portal.requestgroups.models import RequestGroup

        for group in RequestGroup.objects.prefetch_related("requests"):
            states = {request.state for request in group.requests.all()}
            if group.state == State.PENDING:
                assert State.PENDING in states
            if states == {State.COMPLETED}:
                assert group.state in {State.COMPLETED, State.CANCELED, State.WINDOW_EXPIRED}

    @invariant()
    def the_ledger_adds_up(self) -> None:
        from armillary.portal.observations.services.reconcile import reconcile

        assert reconcile().discrepancies == ()


@pytest.mark.django_db
def test_whatever_happens_the_invariants_hold(
    astronomer: APIClient, operator: APIClient, group: dict[str, Any], set_clock: Callable[..., None]
) -> None:
    Lives.astronomer, Lives.operator, Lives.body = astronomer, operator, group
    Lives.set_clock = staticmethod(set_clock)
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=8,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
