"""Observations as a portal's schedule gives them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

# 2026-11-23 20:00 UTC: dark at the example site (nautical dusk is at about 17:55 UTC), M 57 still up in the west,
# the field of NGC 7662 high.
EVENING = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
NGC7662 = {"type": "ICRS", "name": "NGC 7662", "ra": 351.475, "dec": 42.535}
STAR = {"type": "ICRS", "name": "SA 114-750", "ra": 340.433, "dec": 1.211}


def configuration(status: int, **changes: Any) -> dict[str, Any]:
    """A configuration: two exposures of 30 s in V."""
    imaging = {
        "optical_elements": {"filter": "V"},
        "mode": "full_2x2",
        "exposure_time": 30.0,
        "exposure_count": 2,
        "rotator_mode": "",
        "extra_params": {"bin_x": 2, "bin_y": 2},
        "rois": [],
    }
    return {
        "id": 900 + status,
        "instrument_type": "0M6-IMAGER-CCD",
        "type": "EXPOSE",
        "repeat_duration": None,
        "extra_params": {},
        "priority": 1,
        "instrument_configs": [imaging],
        "constraints": {"max_airmass": 2.0, "min_lunar_distance": 30.0, "max_lunar_phase": 1.0, "extra_params": {}},
        "acquisition_config": {"mode": "OFF", "extra_params": {}},
        "guiding_config": {"optional": True, "mode": "OFF", "optical_elements": {}, "exposure_time": None},
        "target": NGC7662,
        "configuration_status": status,
        "state": "PENDING",
        "instrument_name": "im01",
        "guide_camera_name": "",
        "summary": {},
    } | changes


def observation(
    number: int,
    *configurations: dict[str, Any],
    start: datetime = EVENING,
    seconds: float = 300.0,
    telescope: str = "exh.doma.0m6a",
    **changes: Any,
) -> dict[str, Any]:
    """An observation of these configurations."""
    site, enclosure, code = telescope.split(".")
    return {
        "id": number,
        "request": {
            "id": 100 + number,
            "observation_note": "",
            "optimization_type": "TIME",
            "state": "PENDING",
            "acceptability_threshold": 90.0,
            "configuration_repeats": 1,
            "extra_params": {},
            "duration": int(seconds),
            "configurations": list(configurations) or [configuration(10 * number)],
        },
        "site": site,
        "enclosure": enclosure,
        "telescope": code,
        "start": _stamp(start),
        "end": _stamp(start + timedelta(seconds=seconds)),
        "priority": 10,
        "state": "PENDING",
        "proposal": "DEMO-001",
        "submitter": "astronomer",
        "name": "a night's work",
        "ipp_value": 1.0,
        "observation_type": "NORMAL",
        "request_group_id": 200 + number,
        "created": _stamp(start),
        "modified": _stamp(start),
    } | changes


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
