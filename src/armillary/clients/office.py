"""The observatory's office: accounts, semesters, proposals, calls and panels, for scripts and for the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from armillary.clients.errors import RequestRefused
from armillary.clients.transport import expecting

Json = dict[str, Any]


class OfficeClient:
    """The portal's API for those who run the observatory; objects are the wire's.

    Every method raises ``ServiceUnavailable`` if the portal cannot be reached, ``RequestRefused`` if it refuses, and
    ``UnexpectedAnswer`` if it answers something that is not in its contract.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    # --- accounts

    def accounts(self, *, search: str = "", limit: int = 50, offset: int = 0) -> Json:
        """A page of accounts (``count``, ``results``)."""
        return self._get("api/users/", {"search": search, "limit": limit, "offset": offset})

    def account(self, username: str) -> Json:
        """One account."""
        return self._get(f"api/users/{username}/")

    def change_account(self, username: str, changes: Mapping[str, Any]) -> Json:
        """Change somebody's account."""
        return _json(self._http.patch(f"api/users/{username}/", json=dict(changes)))

    def unlock_account(self, username: str) -> None:
        """Let somebody try passwords again."""
        self._http.post(f"api/users/{username}/unlock/")

    def remove_account(self, username: str) -> None:
        """Erase who somebody was."""
        self._http.post(f"api/users/{username}/remove/")

    def import_accounts(self, table: str, *, dry_run: bool) -> Json:
        """Create accounts from a table (CSV)."""
        return _json(self._http.post("api/users/import/", json={"csv": table, "dry_run": dry_run}))

    def audit(self, *, limit: int = 100, offset: int = 0) -> Json:
        """A page of what privileged people did, newest first."""
        return self._get("api/audit/", {"limit": limit, "offset": offset})

    # --- semesters and proposals

    def semesters(self) -> list[Json]:
        """All semesters, newest first."""
        results: list[Json] = self._get("api/semesters/", {"limit": 1000})["results"]
        return results

    def create_semester(self, semester_id: str, start: str, end: str) -> Json:
        """Create a semester; times in ISO 8601."""
        return _json(self._http.post("api/semesters/", json={"id": semester_id, "start": start, "end": end}))

    def roll_over(self, source: str, target: str, *, dry_run: bool, proposals: Sequence[str] | None = None) -> Json:
        """Grant what is left of one semester once more in another."""
        body = {"to": target, "dry_run": dry_run, "proposals": None if proposals is None else list(proposals)}
        return _json(self._http.post(f"api/semesters/{source}/rollover/", json=body))

    def proposals(self, *, limit: int = 100, offset: int = 0) -> Json:
        """A page of all proposals (``count``, ``results``)."""
        return self._get("api/proposals/administered/", {"limit": limit, "offset": offset})

    def proposal(self, proposal_id: str) -> Json | None:
        """One proposal as the office sees it, if there is one."""
        page = _json_or_none(self._http, "api/proposals/administered/", {"id": proposal_id})
        return None if page is None else next(iter(page["results"]), None)

    def create_proposal(self, values: Mapping[str, Any]) -> Json:
        """Create a proposal."""
        return _json(self._http.post("api/proposals/", json=dict(values)))

    def change_proposal(self, proposal_id: str, changes: Mapping[str, Any]) -> Json:
        """Change what is said of a proposal."""
        return _json(self._http.patch(f"api/proposals/{proposal_id}/", json=dict(changes)))

    def give_time(self, proposal_id: str, values: Mapping[str, Any]) -> Json:
        """Give a proposal time in a semester."""
        return _json(self._http.post(f"api/proposals/{proposal_id}/allocations/", json=dict(values)))

    def correct_time(self, proposal_id: str, allocation: int, values: Mapping[str, Any]) -> Json:
        """Add hours to an allocation, or take them back."""
        return _json(self._http.post(f"api/proposals/{proposal_id}/allocations/{allocation}/", json=dict(values)))

    def appoint(self, proposal_id: str, username: str, role: str) -> Json:
        """Give somebody a part in a proposal."""
        body = {"username": username, "role": role}
        return _json(self._http.post(f"api/proposals/{proposal_id}/members/", json=body))

    def dismiss(self, proposal_id: str, username: str) -> None:
        """Take somebody out of a proposal."""
        self._http.delete(f"api/proposals/{proposal_id}/members/", params={"username": username})

    def import_proposals(self, table: str, semester: str | None, *, dry_run: bool) -> Json:
        """Create proposals with people and time from a table (CSV)."""
        body = {"csv": table, "semester": semester, "dry_run": dry_run}
        return _json(self._http.post("api/proposals/import/", json=body))

    # --- calls and panels

    def create_call(self, values: Mapping[str, Any]) -> Json:
        """Open a call."""
        return _json(self._http.post("api/calls/", json=dict(values)))

    def panels(self) -> list[Json]:
        """The panels, with the names of their members."""
        results: list[Json] = self._get("api/review-panels/", {"limit": 1000})["results"]
        return results

    def create_panel(self, name: str, members: Sequence[str], *, is_admin: bool = False) -> Json:
        """Appoint a panel."""
        body = {"name": name, "members": list(members), "is_admin": is_admin}
        return _json(self._http.post("api/review-panels/", json=body))

    def unassigned_applications(self) -> list[Json]:
        """Submitted applications that no panel has yet."""
        response = self._http.get("api/scienceapplications/unassigned/")
        with expecting("portal"):
            found: list[Json] = response.json()
        return found

    def assign(self, application: int, panel: int, primary: str, secondary: str) -> Json:
        """Give an application to a panel."""
        body = {
            "science_application": application,
            "review_panel": panel,
            "primary_reviewer": primary,
            "secondary_reviewer": secondary,
        }
        return _json(self._http.post("api/scienceapplication-reviews/", json=body))

    def _get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Json:
        return _json(self._http.get(path, params=dict(parameters or {})))


def _json(response: httpx.Response) -> Json:
    with expecting("portal"):
        answer: Json = response.json()
    return answer


def _json_or_none(http: httpx.Client, path: str, parameters: Mapping[str, Any]) -> Json | None:
    """The answer, or ``None`` if the filter names nothing that is there."""
    try:
        return _json(http.get(path, params=dict(parameters)))
    except RequestRefused as refusal:
        if refusal.status != 400:
            raise
        return None
