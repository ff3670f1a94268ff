"""People, proposals and applications for time: what the portal's pages and scripts of an observatory's office need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from armillary.clients.transport import expecting

Json = dict[str, Any]
_PAGE = 200


class PeopleClient:
    """The portal's API about people and time; objects are the wire's.

    Every method raises ``ServiceUnavailable`` if the portal cannot be reached, ``RequestRefused`` if it refuses, and
    ``UnexpectedAnswer`` if it answers something that is not in its contract.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    # --- the caller

    def profile(self) -> Json:
        """The caller."""
        return self._json(self._http.get("api/profile/"))

    def change_profile(self, changes: Mapping[str, Any]) -> Json:
        """Change the caller's own data."""
        return self._json(self._http.patch("api/profile/", json=dict(changes)))

    def tokens(self) -> list[Json]:
        """The caller's named tokens, without their keys."""
        return self._list(self._http.get("api/tokens/"))

    def create_token(self, name: str, scopes: Sequence[str], expires: str | None = None) -> Json:
        """A new token; its ``key`` is shown this once."""
        body = {"name": name, "scopes": list(scopes), "expires": expires}
        return self._json(self._http.post("api/tokens/", json=body))

    def delete_token(self, token_id: int) -> None:
        """Stop a token from working."""
        self._http.delete(f"api/tokens/{token_id}/")

    def revoke_token(self) -> None:
        """Replace the caller's API token."""
        self._http.post("api/revoke_token/")

    def sessions(self) -> list[Json]:
        """Where the caller is logged in with a browser."""
        return self._list(self._http.get("api/sessions/"))

    def end_session(self, session_id: int) -> None:
        """Log one of the caller's browsers out."""
        self._http.delete(f"api/sessions/{session_id}/")

    def notification_preferences(self) -> Json:
        """How the caller is told of what happens."""
        return self._json(self._http.get("api/notifications/"))

    def prefer(self, channel: str, rhythm: str, *, webhook_url: str = "", proposal: str | None = None) -> Json:
        """Say how the caller wants to be told, about one proposal or about everything else."""
        body = {"channel": channel, "rhythm": rhythm, "webhook_url": webhook_url, "proposal": proposal}
        return self._json(self._http.put("api/notifications/", json=body))

    def forget_preference(self, proposal: str) -> None:
        """Be told about a proposal as about all others."""
        self._http.delete("api/notifications/", params={"proposal": proposal})

    # --- proposals

    def proposals(self) -> list[Json]:
        """The caller's proposals, with their allocations."""
        return list(self._pages("api/proposals/", {}))

    def proposal(self, proposal_id: str) -> Json:
        """One proposal, with its allocations."""
        return self._json(self._http.get(f"api/proposals/{proposal_id}/"))

    def ledger(self, proposal_id: str, *, limit: int = 50) -> list[Json]:
        """The newest lines of a proposal's account of time."""
        answer = self._json(self._http.get(f"api/proposals/{proposal_id}/ledger/", params={"limit": limit}))
        with expecting("portal"):
            lines: list[Json] = answer["results"]
        return lines

    def memberships(self, proposal_id: str) -> list[Json]:
        """The members of a proposal that the caller may see."""
        return list(self._pages("api/memberships/", {"proposal": proposal_id}))

    def invitations(self, proposal_id: str) -> list[Json]:
        """Invitations to a proposal that nobody has used yet."""
        return list(self._pages("api/invitations/", {"proposal": proposal_id, "pending": "true"}))

    def invite(self, proposal_id: str, emails: Sequence[str]) -> None:
        """Invite co-investigators."""
        self._http.post(f"api/proposals/{proposal_id}/invite/", json={"emails": list(emails)})

    def accept_invitation(self, key: str) -> Json:
        """Join a proposal with the key of an invitation's mail."""
        return self._json(self._http.post("api/invitations/accept/", json={"key": key}))

    def withdraw_invitation(self, invitation_id: int) -> None:
        """Take an invitation back."""
        self._http.delete(f"api/invitations/{invitation_id}/")

    def limit_member(self, membership_id: int, hours: float) -> None:
        """Limit a co-investigator's time; negative hours: no limit."""
        self._http.post(f"api/memberships/{membership_id}/limit/", json={"time_limit_hours": hours})

    def remove_member(self, membership_id: int) -> None:
        """Take a co-investigator out of a proposal."""
        self._http.delete(f"api/memberships/{membership_id}/")

    def set_notifications(self, proposal_id: str, *, enabled: bool) -> None:
        """Be told about a proposal, or not."""
        self._http.post(f"api/proposals/{proposal_id}/notification/", json={"enabled": enabled})

    # --- calls and applications

    def calls(self, *, only_open: bool = False) -> list[Json]:
        """Calls for proposals."""
        return list(self._pages("api/calls/", {"only_open": "true"} if only_open else {}))

    def call(self, call_id: int) -> Json:
        """One call."""
        return self._json(self._http.get(f"api/calls/{call_id}/"))

    def applications(self) -> list[Json]:
        """The applications that the caller may see, newest first."""
        return list(self._pages("api/scienceapplications/", {}))

    def application(self, application_id: int) -> Json:
        """One application."""
        return self._json(self._http.get(f"api/scienceapplications/{application_id}/"))

    def save_application(
        self, fields: Mapping[str, Any], pdf: tuple[str, Any] | None = None, existing: int | None = None
    ) -> Json:
        """Write an application, or change a draft.

        Args:
            fields: Names and values as a form has them (``timerequest_set[0]std_time``).
            pdf: Name and content of a file to attach.
            existing: The draft to change.
        """
        files: dict[str, tuple[str | None, Any]] = {name: (None, str(value)) for name, value in fields.items()}
        if pdf is not None:
            files["pdf"] = (pdf[0], pdf[1])
        if existing is None:
            return self._json(self._http.post("api/scienceapplications/", files=files))
        return self._json(self._http.put(f"api/scienceapplications/{existing}/", files=files))

    def copy_application(self, application_id: int) -> None:
        """Write it again for the call that is open now."""
        self._http.post(f"api/scienceapplications/{application_id}/copy/")

    def delete_application(self, application_id: int) -> None:
        """Delete a draft."""
        self._http.delete(f"api/scienceapplications/{application_id}/")

    def accept_application(self, application_id: int, tac_priority: int, tac_rank: int, comments: str = "") -> Json:
        """Give an application all the time that it asks for."""
        body = {"tac_priority": tac_priority, "tac_rank": tac_rank, "comments": comments}
        return self._json(self._http.post(f"api/scienceapplications/{application_id}/accept/", json=body))

    def reject_application(self, application_id: int, comments: str = "") -> Json:
        """Give an application no time."""
        return self._json(
            self._http.post(f"api/scienceapplications/{application_id}/reject/", json={"comments": comments})
        )

    # --- reviews

    def reviews(self) -> list[Json]:
        """Reviews by the caller's panels."""
        return list(self._pages("api/scienceapplication-reviews/", {}))

    def review(self, review_id: int) -> Json:
        """One review."""
        return self._json(self._http.get(f"api/scienceapplication-reviews/{review_id}/"))

    def write_review(self, review_id: int, opinion: Mapping[str, Any], *, new: bool) -> Json:
        """Say what the caller thinks."""
        method = "POST" if new else "PUT"
        address = f"api/scienceapplication-reviews/{review_id}/my-review"
        return self._json(self._http.request(method, address, json=dict(opinion)))

    def summarize(self, review_id: int, summary: str) -> None:
        """Write the panel's common opinion."""
        self._http.put(f"api/scienceapplication-reviews/{review_id}/summary", json={"summary": summary})

    def declare_conflict(self, review_id: int, reason: str) -> None:
        """Take no part in a review."""
        self._http.post(f"api/scienceapplication-reviews/{review_id}/conflict/", json={"reason": reason})

    def ranking(self) -> list[Json]:
        """Applications under review by grade, for those who decide."""
        return self._list(self._http.get("api/scienceapplication-reviews/ranking/"))

    # --- plumbing

    @staticmethod
    def _json(response: httpx.Response) -> Json:
        with expecting("portal"):
            answer: Json = response.json()
        return answer

    @staticmethod
    def _list(response: httpx.Response) -> list[Json]:
        with expecting("portal"):
            answer: list[Json] = response.json()
        return answer

    def _pages(self, path: str, parameters: Mapping[str, Any]) -> Iterator[Json]:
        offset = 0
        while True:
            page = self._json(self._http.get(path, params={**parameters, "limit": _PAGE, "offset": offset}))
            with expecting("portal"):
                results, more = page["results"], page["next"] is not None
            yield from results
            offset += len(results)
            if not more or not results:
                return
