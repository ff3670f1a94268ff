"""Who may see which request groups, requests and observations."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from armillary.accounts.models import User
from armillary.accounts.permissions import only_authored, sees_everything
from armillary.portal.requestgroups.models import Request, RequestGroup

Caller = User | AnonymousUser


def scope(caller: Caller, path: str = "") -> Q:
    """The condition for rows that belong to a request group.

    Args:
        caller: Who asks.
        path: How to get from the row to its request group, with two underscores at the end; empty for groups.
    """
    if not isinstance(caller, User):
        return Q(**{f"{path}proposal__public": True})
    if sees_everything(caller):
        return Q()
    condition = Q(**{f"{path}proposal__membership__user": caller})
    return condition & Q(**{f"{path}submitter": caller}) if only_authored(caller) else condition


def visible_request_groups(caller: Caller) -> QuerySet[RequestGroup]:
    """The request groups that a caller may see."""
    return RequestGroup.objects.filter(scope(caller))


def visible_requests(caller: Caller) -> QuerySet[Request]:
    """The requests that a caller may see."""
    return Request.objects.filter(scope(caller, "request_group__"))
