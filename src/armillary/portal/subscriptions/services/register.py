"""Subscriptions are made, changed and tried out by their owners."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from armillary.accounts.models import User
from armillary.platform.changes import latest_cursor
from armillary.platform.refusals import Refusal
from armillary.platform.wire import wire_time
from armillary.portal.events import KINDS
from armillary.portal.notifications.webhooks import WebhookFailed, call, require_callable
from armillary.portal.subscriptions.models import Subscription

MOST_PER_PERSON: Final = 20


def subscribe(user: User, url: str, kinds: Sequence[str], now: datetime) -> Subscription:
    """Send the changes of some kinds to an address, from now on.

    Args:
        user: Whose program it is; it is told what this person may see.
        url: Where to.
        kinds: Prefixes of kinds; empty: everything.
        now: The time.

    Raises:
        Refusal: The address may not be called, a kind does not exist, or there are too many subscriptions.
    """
    _require_kinds(kinds)
    _require_callable(url)
    if Subscription.objects.filter(user=user).count() >= MOST_PER_PERSON:
        raise Refusal(f"You have {MOST_PER_PERSON} subscriptions, which is the most; delete one that you do not need.")
    return Subscription.objects.create(
        user=user, url=url, kinds=list(kinds), cursor=latest_cursor(), created=now, due=now
    )


def change(subscription: Subscription, values: dict[str, Any], now: datetime) -> Subscription:
    """Change an address or kinds, stop sending, or begin again where it was stopped.

    Raises:
        Refusal: The address may not be called, or a kind does not exist.
    """
    if "kinds" in values:
        _require_kinds(values["kinds"])
    if "url" in values:
        _require_callable(values["url"])
    Subscription.objects.filter(pk=subscription.pk).update(**values, attempts=0, due=now, error="")
    subscription.refresh_from_db()
    return subscription


def try_out(subscription: Subscription, now: datetime) -> None:
    """Send an empty list of events, signed as all others.

    Raises:
        Refusal: The address could not be called, or did not answer with success.
    """
    try:
        call(subscription.url, message(subscription, [], now), user_id=subscription.user_id)
    except WebhookFailed as failure:
        raise Refusal({"url": [str(failure)]}) from failure


def message(subscription: Subscription, events: Sequence[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """What is sent: the events, and the time of sending, so that a receiver can refuse what somebody sends again."""
    return {"subscription": subscription.pk, "sent": wire_time(now), "events": list(events)}


def _require_kinds(kinds: Sequence[str]) -> None:
    for kind in kinds:
        if not any(kind.startswith(prefix) for prefix in KINDS):
            raise Refusal(
                {"kinds": [f"There are no changes of the kind {kind!r}; kinds begin with {', '.join(KINDS)}"]}
            )


def _require_callable(url: str) -> None:
    try:
        require_callable(url)
    except Refusal as refusal:
        errors = refusal.errors
        raise Refusal({"url": errors["webhook_url"]} if isinstance(errors, dict) else errors) from refusal
