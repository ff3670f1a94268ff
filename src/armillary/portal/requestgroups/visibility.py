"""Who may see which request groups, requests and observations."""

from __future__ import annotations

from enum import Enum, auto

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from armillary.accounts.models import User
from armillary.accounts.permissions import only_authored, sees_everything
from armillary.portal.requestgroups.models import Request, RequestGroup

Caller = User | AnonymousUser


class Scope(Enum):
    """Which request groups somebody sees, and what belongs to them."""

    PUBLIC = auto()
    """Those of public proposals."""
    EVERYTHING = auto()
    OF_PROPOSALS = auto()
    """Those of the proposals that they are members of."""
    AUTHORED = auto()
    """Of these, their own."""

    @classmethod
    def of(cls, caller: Caller) -> Scope:
        """That of a caller."""
        if not isinstance(caller, User):
            return cls.PUBLIC
        if sees_everything(caller):
            return cls.EVERYTHING
        return cls.AUTHORED if only_authored(caller) else cls.OF_PROPOSALS

    @property
    def is_personal(self) -> bool:
        """Whether it depends on who asks."""
        return self in {Scope.OF_PROPOSALS, Scope.AUTHORED}

    def condition(self, caller: int | None, path: str = "") -> Q:
        """The condition for rows that belong to a request group.

        Args:
            caller: The id of who asks; ``None`` for somebody who has not signed in.
            path: How to get from the row to its request group, with two underscores at the end; empty for groups.
        """
        if self is Scope.EVERYTHING:
            return Q()
        if self is Scope.PUBLIC:
            return Q(**{f"{path}proposal__public": True})
        condition = Q(**{f"{path}proposal__membership__user": caller})
        return condition & Q(**{f"{path}submitter": caller}) if self is Scope.AUTHORED else condition


def scope(caller: Caller, path: str = "") -> Q:
    """The condition for rows that belong to a request group.

    Args:
        caller: Who asks.
        path: How to get from the row to its request group, with two underscores at the end; empty for groups.
    """
    return Scope.of(caller).condition(caller.pk, path)


def visible_request_groups(caller: Caller) -> QuerySet[RequestGroup]:
    """The request groups that a caller may see."""
    return RequestGroup.objects.filter(scope(caller))


def visible_requests(caller: Caller) -> QuerySet[Request]:
    """The requests that a caller may see."""
    return Request.objects.filter(scope(caller, "request_group__"))
