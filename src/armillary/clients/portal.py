"""The observation portal, as its clients see it: schedulers, telescopes, ingesters, pages, scripts.

>>> from armillary.clients.transport import connect
>>> portal = PortalClient(connect("portal", token="..."))  # doctest: +SKIP
>>> portal.validate(request_group)["errors"]  # doctest: +SKIP
{}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter

from armillary.clients.errors import RequestRefused
from armillary.clients.transport import expecting
from armillary.core.observations.model import PlannedObservation, ScheduledObservation, Summary
from armillary.core.requests.instants import format_time
from armillary.core.requests.model import Request, RequestGroup

Json = dict[str, Any]
_PAGE: Final = 1000
_PAGE_OF_A_STRANGER: Final = 100  # callers without a token are refused more at once
_CONFLICT: Final = 409


class StaleSchedule(RequestRefused):
    """A plan was refused, because the schedule it was made from has changed since: read it and plan again."""


class LeaseHeld(RequestRefused):
    """Another scheduler holds the lease; wait until it gives it back or lets it run out."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to publish plans."""

    holder: str
    fence: int
    """Goes with every publication; an older one is refused."""
    expires: datetime


class Semester(BaseModel):
    """A span of time for which observing time is allocated."""

    id: str
    start: AwareDatetime
    end: AwareDatetime


class Proposal(BaseModel):
    """A programme of observations."""

    model_config = ConfigDict(extra="allow")

    id: str
    active: bool
    title: str = ""
    tac_priority: int = 0
    tags: list[str] = []
    public: bool = False
    timeallocation_set: list[dict[str, Any]] = []
    """Hours allocated and used, per semester and instrument types, by kind of time."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of observations that were placed together."""

    num_created: int
    errors: dict[int, Any]
    """By position in what was sent."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing a plan changed."""

    version: str
    """The version of the telescope's schedule now."""
    created: list[int]
    kept: list[int]
    cancelled: list[int]


_SEMESTERS = TypeAdapter(list[Semester])
_PROPOSALS = TypeAdapter(list[Proposal])
_GROUPS = TypeAdapter(list[RequestGroup])
_OBSERVATIONS = TypeAdapter(list[ScheduledObservation])


class PortalClient:
    """The portal's API in types.

    Every method raises ``ServiceUnavailable`` if the portal cannot be reached, ``RequestRefused`` if it refuses, and
    ``UnexpectedAnswer`` if it answers something that is not in its contract.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    # --- people, proposals, semesters, instruments

    def profile(self) -> Json:
        """The caller."""
        return self._object("api/profile/")

    def proposals(self, *, active: bool | None = None) -> list[Proposal]:
        """All proposals that the caller may see, or only active (inactive) ones."""
        parameters = {} if active is None else {"active": str(active)}
        with expecting("portal"):
            return _PROPOSALS.validate_python(list(self._pages("api/proposals/", parameters)))

    def proposal(self, proposal_id: str) -> Proposal:
        """One proposal."""
        with expecting("portal"):
            return Proposal.model_validate(self._object(f"api/proposals/{proposal_id}/"))

    def semesters(self, *, contains: datetime | None = None) -> list[Semester]:
        """All semesters, or the one that contains a time."""
        parameters = {} if contains is None else {"semester_contains": format_time(contains)}
        with expecting("portal"):
            return _SEMESTERS.validate_python(list(self._pages("api/semesters/", parameters)))

    def instruments(self, **filters: str) -> Json:
        """Instrument types by code, with their modes, elements and cameras."""
        return self._object("api/instruments/", filters)

    def contention(self, instrument_type: str) -> list[float]:
        """Seconds asked of an instrument type in the next day, by hour of right ascension: 24 numbers."""
        answer = self._object(f"api/contention/{quote(instrument_type, safe='')}/")
        with expecting("portal"):
            return [float(sum(hour.values())) for hour in answer["contention_data"]]

    def explanation(self, request_id: int) -> Json:
        """Why a request is not observed: what stands between it and each telescope."""
        return self._object(f"api/requests/{request_id}/explanation/")

    # --- requests

    def schedulable_request_groups(
        self, *, start: datetime | None = None, end: datetime | None = None, telescope_classes: Sequence[str] = ()
    ) -> list[RequestGroup]:
        """Everything that waits to be scheduled; ``is_staff`` of each group says whether its submitter is staff.

        Args:
            start: Only groups with a window that starts then or later; default: the start of the semester.
            end: Only groups with a window that starts then or earlier; default: the end of the semester.
            telescope_classes: Only groups with a request for one of these classes.
        """
        parameters = _times(start=start, end=end) | {"telescope_class": list(telescope_classes)}
        answer = self._http.get("api/requestgroups/schedulable_requests/", params=parameters)
        with expecting("portal"):
            return _GROUPS.validate_json(answer.content)

    def request_groups(self, **filters: Any) -> Iterator[RequestGroup]:
        """Request groups, page after page; ``limit`` says how many are asked for at once."""
        for item in self._pages("api/requestgroups/", filters):
            with expecting("portal"):
                group = RequestGroup.model_validate(item)
            yield group

    def request_group(self, group_id: int) -> RequestGroup:
        """One request group."""
        return self._group(self._http.get(f"api/requestgroups/{group_id}/"))

    def submit(self, body: Mapping[str, Any] | RequestGroup, *, idempotency_key: str | None = None) -> RequestGroup:
        """Submit a request group.

        Args:
            body: What is asked for.
            idempotency_key: A name of this submission; sent again under the same name, it is not stored twice.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._group(self._http.post("api/requestgroups/", json=_plain(body), headers=headers))

    def validate(self, body: Mapping[str, Any] | RequestGroup) -> Json:
        """What is wrong with a request group (``errors``), or what it costs (``request_durations``)."""
        return self._answer(self._http.post("api/requestgroups/validate/", json=_plain(body)))

    def expand_cadence(self, body: Mapping[str, Any]) -> Json:
        """A request group with one ``cadence``, as the group of single requests to submit."""
        return self._answer(self._http.post("api/requestgroups/cadence/", json=dict(body)))

    def cancel_request_group(self, group_id: int) -> RequestGroup:
        """Withdraw a request group."""
        return self._group(self._http.post(f"api/requestgroups/{group_id}/cancel/"))

    def request(self, request_id: int) -> Request:
        """One request."""
        with expecting("portal"):
            return Request.model_validate(self._object(f"api/requests/{request_id}/"))

    def request_observations(self, request_id: int) -> list[Json]:
        """The observations of a request, oldest first."""
        with expecting("portal"):
            return list(self._http.get(f"api/requests/{request_id}/observations/").json())

    def transitions(self, resource: str, key: int) -> list[Json]:
        """Every state that a request group, request or observation was in: ``requests``, ``observations``, ..."""
        with expecting("portal"):
            return list(self._http.get(f"api/{resource}/{key}/transitions/").json())

    def airmass(self, request_id: int) -> Json:
        """Where and when a request can be observed, and at which airmass."""
        return self._object(f"api/requests/{request_id}/airmass/")

    def last_changed(self, *telescope_classes: str) -> datetime:
        """When something last changed that matters for scheduling."""
        answer = self._object("api/last_changed/", {"telescope_class": list(telescope_classes)})
        with expecting("portal"):
            return _moment(answer["last_change_time"])

    # --- observations

    def last_scheduled(self, site: str | None = None) -> datetime:
        """When the schedule of a site, or of any, last changed."""
        answer = self._object("api/last_scheduled/", {"site": site} if site else {})
        with expecting("portal"):
            return _moment(answer["last_schedule_time"])

    def schedule(
        self,
        *,
        site: str | None = None,
        enclosure: str | None = None,
        telescope: str | None = None,
        start_after: datetime | None = None,
        start_before: datetime | None = None,
        end_after: datetime | None = None,
        end_before: datetime | None = None,
        states: Sequence[str] = (),
        observation_types: Sequence[str] = (),
        request_id: int | None = None,
        request_group_id: int | None = None,
        proposal: str | None = None,
    ) -> list[ScheduledObservation]:
        """All observations that fit, in order of their start, with everything needed to execute them."""
        places = {"site": site, "enclosure": enclosure, "telescope": telescope}
        keys = {"request_id": request_id, "request_group_id": request_group_id, "proposal": proposal}
        times = _times(start_after=start_after, start_before=start_before, end_after=end_after, end_before=end_before)
        chosen = {name: value for name, value in (places | keys).items() if value is not None}
        lists = {"state": list(states), "observation_type": list(observation_types)}
        pages = self._pages("api/schedule/", {"ordering": "start", **times, **chosen, **lists})
        with expecting("portal"):
            return _OBSERVATIONS.validate_python(list(pages))

    def observation(self, observation_id: int) -> Json:
        """One observation with its executions."""
        return self._object(f"api/observations/{observation_id}/")

    def create_observations(self, observations: Sequence[Mapping[str, Any]]) -> BulkResult:
        """Place observations; each is accepted or refused on its own."""
        answer = self._answer(self._http.post("api/observations/", json=list(observations)))
        with expecting("portal"):
            return BulkResult(answer["num_created"], {int(key): value for key, value in answer["errors"].items()})

    def cancel_observations(
        self,
        *,
        ids: Sequence[int] | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        site: str | None = None,
        enclosure: str | None = None,
        telescope: str | None = None,
        include_rr: bool = False,
        include_normal: bool = True,
        include_direct: bool = False,
        preemption_enabled: bool = False,
    ) -> int:
        """Take observations back, by id or by time and place; how many were."""
        optional = {"ids": ids, "site": site, "enclosure": enclosure, "telescope": telescope}
        body: dict[str, Any] = {name: value for name, value in optional.items() if value is not None} | _times(
            start=start, end=end
        )
        body |= {
            "include_rr": include_rr,
            "include_normal": include_normal,
            "include_direct": include_direct,
            "preemption_enabled": preemption_enabled,
        }
        answer = self._answer(self._http.post("api/observations/cancel/", json=body))
        with expecting("portal"):
            return int(answer["canceled"])

    def schedule_version(self, site: str, enclosure: str, telescope: str) -> str:
        """The version that a telescope's schedule is at: read it before the schedule, and plan from it."""
        place = {"site": site, "enclosure": enclosure, "telescope": telescope}
        with expecting("portal"):
            return str(self._object("api/schedule/version/", place)["version"])

    def publish_schedule(
        self,
        *,
        site: str,
        enclosure: str,
        telescope: str,
        start: datetime,
        end: datetime,
        version: str | None,
        observations: Sequence[PlannedObservation],
        fence: int | None = None,
        preempt: Sequence[int] = (),
    ) -> Publication:
        """Make a plan the schedule of a telescope for a span, atomically.

        Args:
            site: Where.
            enclosure: Where.
            telescope: Which.
            start: The plan is for observations that begin from then on,
            end: and before then; what is pending in between and not in the plan is withdrawn.
            version: Of the schedule from which the plan was made.
            observations: The plan.
            fence: Of the publisher's lease (:meth:`take_lease`).
            preempt: Live observations that the plan's rapid-response work pushes aside.

        Raises:
            StaleSchedule: The schedule has changed since ``version``, or a request of the plan is not pending any more.
        """
        body: Json = {
            "site": site,
            "enclosure": enclosure,
            "telescope": telescope,
            "start": format_time(start),
            "end": format_time(end),
            "version": version,
            "observations": [item.model_dump(mode="json") for item in observations],
        }
        if fence is not None:
            body["fence"] = fence
        if preempt:
            body["preempt"] = list(preempt)
        try:
            answer = self._answer(self._http.post("api/schedule/publish/", json=body))
        except RequestRefused as refusal:
            if refusal.status == _CONFLICT:
                raise StaleSchedule("portal", refusal.status, refusal.detail) from refusal
            raise
        with expecting("portal"):
            return Publication(answer["version"], answer["created"], answer["kept"], answer["cancelled"])

    def schedule_versions(self) -> dict[str, str]:
        """The versions of all telescopes' schedules, by telescope key; one that never had any is at version 0."""
        with expecting("portal"):
            return {str(key): str(value) for key, value in self._object("api/schedule/versions/")["versions"].items()}

    # --- the scheduler's own

    def take_lease(self, holder: str, seconds: float) -> Lease:
        """Be the one scheduler for so many seconds of observatory time; zero gives the lease back.

        Raises:
            LeaseHeld: Another scheduler has it.
        """
        try:
            answer = self._answer(self._http.post("api/scheduler/lease/", json={"holder": holder, "seconds": seconds}))
        except RequestRefused as refusal:
            if refusal.status == _CONFLICT:
                raise LeaseHeld("portal", refusal.status, refusal.detail) from refusal
            raise
        with expecting("portal"):
            return Lease(answer["holder"], int(answer["fence"]), _moment(answer["expires"]))

    def report_run(
        self, *, fence: int, run: str, at: datetime, state: str, sentence: str, reasons: Sequence[Mapping[str, Any]]
    ) -> int:
        """Tell how a run went, and why requests are or are not scheduled; how many reasons were stored."""
        body = {"fence": fence, "run": run, "at": format_time(at), "state": state, "sentence": sentence}
        answer = self._answer(self._http.post("api/scheduler/report/", json=body | {"reasons": list(reasons)}))
        with expecting("portal"):
            return int(answer["stored"])

    def scheduler(self) -> Json:
        """Who schedules, and how its last run went."""
        return self._object("api/scheduler/")

    def patch_configuration_status(
        self,
        status_id: int,
        *,
        state: str | None = None,
        summary: Summary | None = None,
        end: datetime | None = None,
        exposures_start_at: datetime | None = None,
    ) -> Json:
        """Report on an execution; reports may be repeated."""
        body: Json = {} if state is None else {"state": state}
        if summary is not None:
            body["summary"] = summary.model_dump(mode="json")
        body |= _times(end=end, exposures_start_at=exposures_start_at)
        return self._answer(self._http.patch(f"api/configurationstatus/{status_id}/", json=body))

    def patch_observation(self, observation_id: int, *, end: datetime | None = None, state: str | None = None) -> Json:
        """Move the end of an observation, or declare its data bad (``state="BAD_DATA"``)."""
        body = ({} if state is None else {"state": state}) | _times(end=end)
        return self._answer(self._http.patch(f"api/observations/{observation_id}/", json=body))

    # --- plumbing

    def _object(self, path: str, parameters: Mapping[str, Any] | None = None) -> Json:
        return self._answer(self._http.get(path, params=dict(parameters or {})))

    @staticmethod
    def _answer(response: httpx.Response) -> Json:
        with expecting("portal"):
            answer: Json = response.json()
        return answer

    @staticmethod
    def _group(response: httpx.Response) -> RequestGroup:
        with expecting("portal"):
            return RequestGroup.model_validate_json(response.content)

    def _pages(self, path: str, parameters: Mapping[str, Any]) -> Iterator[Json]:
        """Everything in a list; by offset, because an address in an answer may not be reachable from here."""
        offset = 0
        largest = _PAGE if "Authorization" in self._http.headers else _PAGE_OF_A_STRANGER
        limit = min(int(parameters.get("limit", largest)), largest)
        while True:
            page = self._object(path, {**parameters, "limit": limit, "offset": offset})
            with expecting("portal"):
                results, more = page["results"], page["next"] is not None
            yield from results
            offset += len(results)
            if not more or not results:
                return


def _plain(body: Mapping[str, Any] | RequestGroup) -> Json:
    return body.model_dump(mode="json", exclude_unset=True) if isinstance(body, RequestGroup) else dict(body)


def _times(**moments: datetime | None) -> Json:
    return {name: format_time(moment) for name, moment in moments.items() if moment is not None}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
