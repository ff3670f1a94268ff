"""Request groups that are still being written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from django.db import IntegrityError, transaction
from pydantic import Field

from armillary.accounts.models import User
from armillary.core.requests.model import Text, WireObject
from armillary.core.requests.submission import read
from armillary.platform.errors import Refusal
from armillary.portal.proposals.models import Membership, Proposal
from armillary.portal.requestgroups.models import DraftRequestGroup

_NOT_JSON = {"content": ["Content must be valid JSON"]}
_TAKEN = "The fields author, proposal, title must make a unique set."


class SubmittedDraft(WireObject):
    """A draft as its author writes it."""

    title: Annotated[Text, Field(min_length=1, max_length=50)]
    content: Text
    proposal: Any


def save_draft(draft: DraftRequestGroup, body: Mapping[str, Any], user: User, now: datetime) -> DraftRequestGroup:
    """Store a new draft, or a new version of one.

    Raises:
        Refusal: It is malformed, for a proposal of others, or another draft of the author has the same title.
    """
    reading = read(SubmittedDraft, body)
    if reading.document is None:
        raise Refusal(reading.errors)
    document = reading.document
    _check_json(document["content"])
    if not isinstance(document["proposal"], str | int) or isinstance(document["proposal"], bool):
        kind = type(document["proposal"]).__name__
        raise Refusal({"proposal": [f"Incorrect type. Expected pk value, received {kind}."]})
    proposal = Proposal.objects.filter(pk=str(document["proposal"])).first()
    if proposal is None:
        raise Refusal({"proposal": [f'Invalid pk "{document["proposal"]}" - object does not exist.']})
    if not Membership.objects.filter(user=user, proposal=proposal).exists():
        raise Refusal("You are not a member of that proposal")
    draft.title, draft.content, draft.proposal, draft.modified = document["title"], document["content"], proposal, now
    if draft._state.adding:  # noqa: SLF001  documented API of Django
        draft.author, draft.created = user, now
    try:
        with transaction.atomic():
            draft.save()
    except IntegrityError as error:
        raise Refusal(_TAKEN) from error
    return draft


def _check_json(content: str) -> None:
    try:
        json.loads(content)
    except ValueError as error:
        raise Refusal(_NOT_JSON) from error
