from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armillary.core.observations.model import PlannedConfiguration, PlannedObservation, ScheduledObservation
from armillary.scheduler.publish import difference

START = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


def planned(request: int, slot: int, instrument: str = "im01") -> PlannedObservation:
    return PlannedObservation(
        request=request,
        start=START + timedelta(minutes=10 * slot),
        end=START + timedelta(minutes=10 * slot + 5),
        configuration_statuses=[PlannedConfiguration(configuration=request, instrument_name=instrument)],
    )


def in_force(identity: int, plan: PlannedObservation) -> ScheduledObservation:
    document: dict[str, Any] = {
        "id": identity, "site": "a", "enclosure": "b", "telescope": "c", "start": plan.start, "end": plan.end,
        "state": "PENDING", "proposal": "P", "submitter": "s", "name": "n", "ipp_value": 1.0,
        "observation_type": "NORMAL", "request_group_id": 1,
        "request": {
            "id": plan.request,
            "configurations": [
                {
                    "id": item.configuration, "instrument_type": "T", "type": "EXPOSE", "configuration_status": 1,
                    "instrument_name": item.instrument_name,
                }
                for item in plan.configuration_statuses
            ],
        },
    }  # fmt: skip
    return ScheduledObservation.model_validate(document)


plans = st.dictionaries(st.integers(1, 30), st.integers(0, 40), max_size=8).map(
    lambda slots: [planned(request, slot) for request, slot in slots.items()]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(wanted=plans, existing=plans)
def test_a_difference_turns_what_is_into_what_is_wanted(
    wanted: list[PlannedObservation], existing: list[PlannedObservation]
) -> None:
    now = [in_force(100 + number, each) for number, each in enumerate(existing)]
    change = difference("a.b.c", wanted, now)
    kept = {(each.request.id, each.start) for each in change.keep}
    created = {(each.request, each.start) for each in change.create}

    assert kept | created == {(each.request, each.start) for each in wanted}
    assert not kept & created
    assert {each.id for each in change.keep} | {each.id for each in change.cancel} == {each.id for each in now}
    assert change.is_empty == ({(each.request, each.start) for each in existing} == kept | created)


def test_another_instrument_is_another_observation() -> None:
    change = difference("a.b.c", [planned(1, 0, "im02")], [in_force(100, planned(1, 0, "im01"))])
    assert len(change.create) == len(change.cancel) == 1
