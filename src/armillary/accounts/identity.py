"""Who is this person, wherever the portal runs.

In the portal's own process the tables know. Elsewhere the portal is asked, its answer is kept for half a minute, and
a shadow of the person is kept in the local tables. A portal that cannot be reached is an error (503) for everybody
who presents credentials: they are never treated as strangers, and never let in unchecked.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from armillary.accounts.models import ApiToken, User
from armillary.accounts.queries import profile_object
from armillary.accounts.sealing import digest, unseal
from armillary.accounts.services import api_token, remember_account
from armillary.clients.errors import RequestRefused, UnexpectedAnswer
from armillary.clients.identity import IdentityClient
from armillary.clients.transport import connect
from armillary.configuration import Component, configuration

_ACCEPTED_FOR_S: Final = 30.0
_REFUSED_FOR_S: Final = 5.0
_MOST_REMEMBERED: Final = 10_000
_REFUSALS: Final = frozenset({400, 401, 403})


@dataclass(frozen=True, slots=True)
class _Answer:
    profile: dict[str, Any] | None
    user_id: int | None
    until: float
    """Real time, on the monotonic clock of this process."""


class _Memory:
    """What the portal said lately, by the digest of the credentials."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, credentials: str) -> _Answer | None:
        with self._lock:
            answer = self._answers.get(digest(credentials))
        return answer if answer is not None and answer.until > time.monotonic() else None

    def put(self, credentials: str, answer: _Answer) -> None:
        with self._lock:
            self._answers[digest(credentials)] = answer
            self._answers.move_to_end(digest(credentials))
            while len(self._answers) > _MOST_REMEMBERED:
                self._answers.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()


_memory: Final = _Memory()


def relies_on_portal() -> bool:
    """Whether people are known to a portal elsewhere, rather than to the tables of this process."""
    settings = configuration()
    return not settings.runs(Component.PORTAL) and settings.url_of(Component.PORTAL) is not None


def check_with_portal(authorization: str) -> User | None:
    """The local shadow of whom the portal accepts these credentials from; ``None`` if it refuses them.

    Args:
        authorization: ``Token ...`` or ``Bearer ...``.

    Raises:
        ServiceUnavailable: The portal cannot be asked.
    """
    answer = _ask(authorization)
    if answer.user_id is None:
        return None
    return User.objects.select_related("profile").filter(pk=answer.user_id).first()


def scopes_at_portal(authorization: str) -> tuple[str, ...]:
    """The scopes to which the portal limits credentials that it accepts; empty: none."""
    profile = _ask(authorization).profile or {}
    return tuple(str(scope) for scope in profile.get("token_scopes", ()))


def log_in_at_portal(username: str, password: str) -> User | None:
    """The local shadow of a person who gives name and password; ``None`` if the portal refuses them.

    Raises:
        ServiceUnavailable: The portal cannot be asked.
    """
    with connect("portal") as client:
        try:
            token = IdentityClient(client).token(username, password)
        except RequestRefused as refusal:
            if refusal.status in _REFUSALS:
                return None
            raise
    return check_with_portal(f"Token {token}")


def profile(user: User) -> dict[str, Any]:
    """The person's profile object, as the portal's ``/api/profile/`` shows it, wherever the portal is.

    Raises:
        ServiceUnavailable: The portal runs elsewhere and cannot be asked.
    """
    if not relies_on_portal():
        return profile_object(user)
    token = ApiToken.objects.filter(user=user, kind=ApiToken.Kind.PORTAL).first()
    known = None if token is None else _ask(f"Token {unseal(token.sealed)}").profile
    return known or profile_object(user)


def proposal_ids(user: User) -> frozenset[str]:
    """The proposals that a person is a member of.

    Raises:
        ServiceUnavailable: The portal runs elsewhere and cannot be asked.
    """
    return frozenset(proposal["id"] for proposal in profile(user)["proposals"])


def token_of(user: User) -> str:
    """The API token that a person uses: the portal's, where the portal runs elsewhere."""
    if relies_on_portal():
        token = ApiToken.objects.filter(user=user, kind=ApiToken.Kind.PORTAL).first()
        if token is not None:
            return unseal(token.sealed)
    return api_token(user)


def accepts_accounts() -> bool:
    """Whether a portal elsewhere may push accounts here: not into the portal itself."""
    return not configuration().runs(Component.PORTAL)


def forget() -> None:
    """Ask the portal again for everybody: it has just told us about a change."""
    _memory.clear()


def _ask(authorization: str) -> _Answer:
    remembered = _memory.get(authorization)
    if remembered is not None:
        return remembered
    with connect("portal") as client:
        try:
            found = IdentityClient(client).profile(authorization)
        except RequestRefused as refusal:
            if refusal.status not in _REFUSALS:
                raise
            answer = _Answer(None, None, time.monotonic() + _REFUSED_FOR_S)
        else:
            answer = _Answer(found, _shadow(found).pk, time.monotonic() + _ACCEPTED_FOR_S)
    _memory.put(authorization, answer)
    return answer


def _shadow(found: dict[str, Any]) -> User:
    try:
        return remember_account(found)
    except ValidationError as error:
        raise UnexpectedAnswer(f"the portal's profile object is not usable: {error}") from error
