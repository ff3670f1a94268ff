"""The two flavours of the wire. Truth: the samples of the portal's specification, section 1.0.4, recorded from it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from armillary.core.requests.instants import format_time, parse_time
from armillary.core.requests.model import Request, RequestGroup
from armillary.core.requests.wire import (
    complete_document,
    detailed_request,
    detailed_request_group,
    listed_request,
    listed_request_group,
)

LISTED = """
{"id":1,"submitter":"pi","proposal":"P1","name":"rg1","observation_type":"NORMAL","operator":"SINGLE","ipp_value":1.05,
 "state":"PENDING","created":"2026-11-23T10:29:42.952073Z","modified":"2026-11-23T10:29:42.952120Z","requests":[
 {"id":1,"observation_note":"","optimization_type":"TIME","state":"PENDING","suspend_until":null,
  "acceptability_threshold":90.0,"configuration_repeats":1,"extra_params":{},"modified":"2026-11-23T10:29:42Z","duration":201,
  "configurations":[{"id":1,"instrument_type":"1M0-SCICAM-SBIG","type":"EXPOSE","repeat_duration":null,"extra_params":{},
   "priority":1,"instrument_configs":[{"optical_elements":{"filter":"air"},"mode":"1m0_sbig_2","exposure_time":30.0,
    "exposure_count":2,"rotator_mode":"","extra_params":{"bin_x":2,"bin_y":2},"rois":[]}],
   "constraints":{"max_airmass":2.0,"min_lunar_distance":30.0,"max_lunar_phase":1.0,"extra_params":{}},
   "acquisition_config":{"mode":"OFF","extra_params":{}},
   "guiding_config":{"optional":true,"mode":"OFF","optical_elements":{},"exposure_time":null,"extra_params":{}},
   "target":{"type":"ICRS","name":"t","ra":60.0,"dec":-30.0,"proper_motion_ra":0.0,"proper_motion_dec":0.0,"parallax":0.0,
    "epoch":2000.0,"hour_angle":null,"extra_params":{}}}],
  "location":{"telescope_class":"1m0"},"windows":[{"start":"2026-11-23T11:00:00Z","end":"2026-11-26T11:00:00Z"}]}]}
"""
DETAILED = """
{"id":1,"requests":[{"id":1,"location":{"telescope_class":"1m0"},"configurations":[{"id":1,
  "constraints":{"max_airmass":2.0,"min_lunar_distance":30.0,"max_lunar_phase":1.0,"max_seeing":null,
   "min_transparency":null,"extra_params":{}},
  "instrument_configs":[{"optical_elements":{"filter":"air"},"mode":"1m0_sbig_2","exposure_time":30.0,
   "exposure_count":2,"rotator_mode":"","extra_params":{"bin_x":2,"bin_y":2}}],
  "acquisition_config":{"mode":"OFF","exposure_time":null,"extra_params":{}},
  "guiding_config":{"optional":true,"mode":"OFF","optical_elements":{},"exposure_time":null,"extra_params":{}},
  "target":{"type":"ICRS","name":"t","ra":60.0,"dec":-30.0,"proper_motion_ra":0.0,"proper_motion_dec":0.0,
   "parallax":0.0,"epoch":2000.0,"extra_params":{}},
  "instrument_type":"1M0-SCICAM-SBIG","type":"EXPOSE","extra_params":{},"priority":1}],
  "windows":[{"start":"2026-11-23T11:00:00Z","end":"2026-11-26T11:00:00Z"}],"duration":201,"observation_note":"",
  "optimization_type":"TIME","state":"PENDING","suspend_until":null,"modified":"2026-11-23T10:29:42Z",
  "created":"2026-11-23T10:29:41Z","acceptability_threshold":90.0,"configuration_repeats":1,"extra_params":{}}],
 "submitter":"pi","name":"rg1","observation_type":"NORMAL","operator":"SINGLE","ipp_value":1.05,
 "created":"2026-11-23T10:29:42.952073Z","state":"PENDING","modified":"2026-11-23T10:29:42.952120Z","proposal":"P1"}
"""


def _same(first: object, second: object) -> bool:
    """Equal, keys in the same order."""
    return json.dumps(first) == json.dumps(second)


def test_the_list_flavour_is_read_and_written_key_by_key() -> None:
    listed = json.loads(LISTED)
    assert _same(listed_request_group(complete_document(RequestGroup.model_validate(listed))), listed)


def test_the_detail_flavour_is_read_and_written_key_by_key() -> None:
    detailed = json.loads(DETAILED)
    assert _same(detailed_request_group(complete_document(RequestGroup.model_validate(detailed))), detailed)


def test_each_flavour_becomes_the_other() -> None:
    listed, detailed = json.loads(LISTED), json.loads(DETAILED)
    listed["requests"][0]["created"] = detailed["requests"][0]["created"]  # lists do not tell it
    assert _same(detailed_request_group(complete_document(RequestGroup.model_validate(listed))), detailed)


def test_values_of_rows_are_laid_over_a_stored_document() -> None:
    stored = complete_document(RequestGroup.model_validate(json.loads(LISTED)))
    stamp = parse_time("2026-12-01T00:00:00Z")
    listed = listed_request_group({**stored, "id": 7, "state": "COMPLETED", "modified": stamp})
    assert (listed["id"], listed["state"], listed["modified"]) == (7, "COMPLETED", "2026-12-01T00:00:00Z")


def test_a_direct_request_has_no_place_in_lists_and_an_empty_one_in_detail() -> None:
    document = json.loads(LISTED)["requests"][0]
    del document["location"], document["windows"]
    assert "location" not in listed_request(document)
    detailed = detailed_request(document)
    assert detailed["location"] is None
    assert detailed["windows"] == []
    assert "location" not in detailed_request(document, with_place=False)


def test_repeat_duration_is_in_detail_only_where_something_repeats() -> None:
    document = json.loads(LISTED)["requests"][0]
    assert "repeat_duration" not in detailed_request(document)["configurations"][0]
    document["configurations"][0] |= {"type": "REPEAT_EXPOSE", "repeat_duration": 600.0}
    assert detailed_request(document)["configurations"][0]["repeat_duration"] == 600.0


def test_a_request_of_lists_without_target_has_none() -> None:
    document = json.loads(LISTED)["requests"][0]
    document["configurations"][0]["target"] = {}
    request = Request.model_validate(document)
    assert request.configurations[0].target is None
    assert listed_request(complete_document(request))["configurations"][0]["target"] == {}


# recorded: requests whose parts were never made, as old dumps have them
def test_parts_that_were_never_made_are_null_in_detail() -> None:
    document = json.loads(LISTED)["requests"][0]
    bare = dict.fromkeys(("constraints", "acquisition_config", "guiding_config", "target"))
    document["configurations"][0] |= bare
    detailed = detailed_request(document)["configurations"][0]
    assert {key: detailed[key] for key in bare} == bare
    assert listed_request(document)["configurations"][0]["target"] == {}


def test_keys_that_the_model_does_not_know_survive() -> None:
    document = json.loads(LISTED) | {"is_staff": True, "colour": "blue"}
    document["requests"][0]["configurations"][0]["configuration_status"] = 12
    group = RequestGroup.model_validate(document)
    assert group.is_staff is True
    again = complete_document(group)
    assert again["colour"] == "blue"
    assert again["requests"][0]["configurations"][0]["configuration_status"] == 12


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=OFFSETS))  # noqa: DTZ001  the strategy wants naive bounds
def test_times_survive_the_wire(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment
    assert parse_time(moment.isoformat()) == moment
    assert format_time(moment).endswith("Z")
