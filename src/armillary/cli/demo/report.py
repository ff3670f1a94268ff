"""What became of the night: read back over the wire as the astronomer, every frame downloaded again and checked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import httpx

from armillary import clock
from armillary.cli.demo.prepare import PROPOSAL
from armillary.cli.demo.stage import Stage, Submission
from armillary.clients.archive import ArchiveClient
from armillary.clients.portal import PortalClient
from armillary.clients.transport import connect
from armillary.core.requests.states import TERMINAL


def compile_report(stage: Stage, submissions: list[Submission], started: float) -> dict[str, Any]:
    """The report of a finished night; ``started`` is a reading of :func:`time.monotonic`."""
    portal = stage.portal("astronomer")
    archive = ArchiveClient(connect("archive", token=stage.tokens["astronomer"]))
    groups = [_group(portal, submission) for submission in submissions]
    with httpx.Client(timeout=60, follow_redirects=True) as downloads:
        frames = [_frame(frame, downloads) for frame in archive.frames(proposal_id=PROPOSAL)]
    return {
        "observatory": [site.code for site in stage.observatory.sites],
        "telescopes": list(stage.telescopes),
        "separate_services": stage.installation.is_split,
        "night": {"start": stage.night.start.isoformat(), "dawn": stage.night.dawn.isoformat()},
        "observatory_time_at_end": clock.now().isoformat(),
        "request_groups": groups,
        "frames": frames,
        "time_charged_h": _time_charged(portal),
        "mails": _mails(stage),
        "restarts": stage.supervisor.restarts(),
        "wall_time_s": round(time.monotonic() - started, 1),
        "problems": _problems(groups, frames),
    }


def _group(portal: PortalClient, submission: Submission) -> dict[str, Any]:
    name = submission.sample.body["name"]
    if submission.request_group_id is None:
        return {"title": submission.sample.title, "name": name, "state": "REFUSED", "reason": submission.refusal}
    group = portal.request_group(submission.request_group_id)
    requests = []
    for request in group.requests:
        observations = [
            {key: it[key] for key in ("id", "site", "enclosure", "telescope", "start", "end", "state")}
            for it in portal.request_observations(int(request.id or 0))
        ]
        requests.append({"id": request.id, "state": request.state, "observations": observations})
    return {
        "title": submission.sample.title,
        "name": name,
        "id": group.id,
        "state": group.state,
        "observation_type": group.observation_type,
        "requests": requests,
    }


def _frame(frame: Mapping[str, Any], downloads: httpx.Client) -> dict[str, Any]:
    answer = downloads.get(frame["url"])
    answer.raise_for_status()
    expected = frame["version_set"][0]["md5"]
    actual = hashlib.md5(answer.content, usedforsecurity=False).hexdigest()
    return {
        "id": frame["id"],
        "filename": frame["filename"],
        "request_id": frame["request_id"],
        "observation_id": frame["observation_id"],
        "target_name": frame["target_name"],
        "filter": frame["primary_optical_element"],
        "bytes": len(answer.content),
        "md5": actual,
        "checksum_agrees": actual == expected,
    }


def _time_charged(portal: PortalClient) -> dict[str, float]:
    allocations = portal.proposal(PROPOSAL).timeallocation_set
    return {
        kind: round(sum(allocation[f"{kind}_time_used"] for allocation in allocations), 4)
        for kind in ("std", "rr", "tc", "realtime")
    }


def _mails(stage: Stage) -> int:
    directories = [stage.installation.directory / server / "mail" for server in stage.installation.servers]
    return sum(1 for directory in directories if directory.is_dir() for _ in directory.iterdir())


def _problems(groups: list[dict[str, Any]], frames: list[dict[str, Any]]) -> list[str]:
    problems = [
        f"{group['name']} is still {group['state']}" for group in groups if group["state"] not in {*TERMINAL, "REFUSED"}
    ]
    problems += [f"{frame['filename']}: its checksum differs" for frame in frames if not frame["checksum_agrees"]]
    observed = {frame["request_id"] for frame in frames}
    problems += [
        f"request {request['id']} of {group['name']} is COMPLETED but has no frame"
        for group in groups
        for request in group.get("requests", ())
        if request["state"] == "COMPLETED" and request["id"] not in observed
    ]
    return problems
