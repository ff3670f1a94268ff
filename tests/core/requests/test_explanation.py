"""What stands between a request and each telescope."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from armillary.core.observatory import Observatory
from armillary.core.requests.explanation import Condition, outlooks
from armillary.core.requests.facts import Downtime
from armillary.core.requests.model import Request
from armillary.core.requests.visibility import visible_windows

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CRAB = {"type": "ICRS", "name": "M 1", "ra": 83.633, "dec": 22.0145}


def asked(target: dict[str, Any] = CRAB, days: float = 2, **constraints: float) -> Request:
    end = (NOW + timedelta(days=days)).isoformat()
    configuration = {
        "type": "EXPOSE",
        "instrument_type": "0M6-IMAGER-CCD",
        "instrument_configs": [{"exposure_time": 30.0, "exposure_count": 2}],
        "target": target,
        "constraints": constraints,
    }
    return Request.model_validate(
        {
            "location": {"telescope_class": "0m6"},
            "windows": [{"start": NOW.isoformat(), "end": end}],
            "configurations": [configuration],
        }
    )


def test_what_is_left_at_the_end_is_when_it_can_be_observed(small_observatory: Observatory) -> None:
    request = asked(max_airmass=1.6, min_lunar_distance=30)
    down = Downtime(NOW + timedelta(hours=10), NOW + timedelta(hours=12), "exh", "doma", "0m6a")
    (outlook,) = outlooks(request, small_observatory, now=NOW, downtimes=[down])
    expected = visible_windows(request, small_observatory, downtimes=[down]).by_telescope["exh.doma.0m6a"]
    assert outlook.visible == expected
    assert [step.condition for step in outlook.steps] == list(Condition)


@settings(max_examples=25, deadline=None)
@given(
    ra=st.floats(0, 359.9),
    dec=st.floats(-89, 89),
    airmass=st.floats(1.01, 3),
    distance=st.floats(0, 90),
    phase=st.floats(0, 1),
)
def test_no_step_gives_time_back(
    small_observatory: Observatory, ra: float, dec: float, airmass: float, distance: float, phase: float
) -> None:
    target = {"type": "ICRS", "name": "anywhere", "ra": ra, "dec": dec}
    request = asked(target, max_airmass=airmass, min_lunar_distance=distance, max_lunar_phase=phase)
    (outlook,) = outlooks(request, small_observatory, now=NOW)
    left = [step.left_s for step in outlook.steps]
    assert all(after <= before + 1e-3 for before, after in pairwise(left))


def test_a_target_that_never_rises_is_told_from_one_that_is_up_by_day(small_observatory: Observatory) -> None:
    southern = {"type": "ICRS", "name": "sigma Octantis", "ra": 317.2, "dec": -88.96}
    sunlit = {"type": "ICRS", "name": "Antares", "ra": 247.35, "dec": -26.43}  # the Sun is near it in November
    (never,) = outlooks(asked(southern), small_observatory, now=NOW)
    (by_day,) = outlooks(asked(sunlit), small_observatory, now=NOW)
    assert never.decisive(60) is Condition.HORIZON
    assert by_day.decisive(60) is Condition.DARKNESS


def test_each_limit_can_be_what_is_in_the_way(small_observatory: Observatory) -> None:
    def decisive(duration_s: float = 60, **constraints: float) -> Condition | None:
        (outlook,) = outlooks(asked(**constraints), small_observatory, now=NOW)
        return outlook.decisive(duration_s)

    assert decisive() is None
    assert decisive(max_airmass=1.01) is Condition.AIRMASS  # it culminates 75 degrees high
    assert decisive(min_lunar_distance=120) is Condition.LUNAR_DISTANCE
    assert decisive(max_lunar_phase=0.0, duration_s=14 * 3600) in {Condition.DARKNESS, Condition.HORIZON}
    assert decisive(duration_s=20 * 3600) is Condition.HORIZON


def test_the_past_counts_for_nothing(small_observatory: Observatory) -> None:
    (outlook,) = outlooks(asked(days=1), small_observatory, now=NOW + timedelta(days=3))
    assert outlook.decisive(60) is Condition.WINDOWS
    assert outlook.visible == ()


def test_a_telescope_says_what_it_lacks(network: Observatory) -> None:
    body = asked().model_dump(mode="json", exclude_unset=True)
    types = list(network.instrument_types(include_unschedulable=True))
    body["location"] = {}
    body["configurations"][0]["instrument_type"] = types[0]
    found = outlooks(Request.model_validate(body), network, now=NOW)
    lacking = [item for item in found if item.obstacles]
    assert lacking
    assert all(item.visible == () and item.steps == () for item in lacking)
    assert all(item.telescope in item.obstacles[0] for item in lacking)
    assert any(not item.obstacles for item in found)
