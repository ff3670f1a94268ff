"""Who may do what: the one place that says so.

A person's roles follow from the account; roles that depend on a thing (principal investigator *of this proposal*) are
found by the component that owns the thing and passed along. What a role permits stands in one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.views import APIView

from armillary.accounts.models import User
from armillary.accounts.queries import profile_of
from armillary.configuration import configuration

__all__ = [
    "ROLES",
    "IsAuthenticatedOrReadOnly",
    "IsStaff",
    "IsStaffOrReadOnly",
    "IsSuperuser",
    "Permission",
    "ReadsPubliclyWritesStaff",
    "Role",
    "leads_a_proposal",
    "may",
    "only_authored",
    "register_leadership",
    "requires",
    "roles_of",
    "sees_everything",
]

AnyUser = AbstractBaseUser | AnonymousUser
_leadership: Final[list[Callable[[User], bool]]] = []


class Role(StrEnum):
    """What somebody is to the observatory, or to one of its proposals."""

    STRANGER = "stranger"
    ASTRONOMER = "astronomer"
    CO_INVESTIGATOR = "co-investigator"
    PRINCIPAL_INVESTIGATOR = "principal investigator"
    DIRECT_OBSERVER = "direct observer"
    PANEL_MEMBER = "time-allocation panel member"
    OPERATOR = "operator"
    OVERSEER = "overseer"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """What can be allowed."""

    READ_PUBLIC = "read what is public"
    READ_OWN = "read what belongs to the own proposals"
    READ_EVERYTHING = "read everything"
    SUBMIT_REQUESTS = "submit requests"
    SUBMIT_OBSERVATIONS = "place observations on the schedule"
    READ_SCHEDULER_FEED = "read what the scheduler reads"
    PUBLISH_SCHEDULE = "publish a schedule"
    REPORT_OBSERVATIONS = "report the progress of observations"
    EDIT_CONFIGURATION = "edit the observatory's configuration"
    EDIT_DOWNTIMES = "enter and delete downtimes"
    STORE_FRAMES = "store frames in the archive, and read all of them"
    MANAGE_PROPOSAL = "invite and limit the members of a proposal"
    MANAGE_PROPOSALS = "create and change semesters and proposals, and give them time and members"
    REVIEW_APPLICATIONS = "review applications for time"
    DECIDE_APPLICATIONS = "call for proposals, appoint panels, and decide about applications"
    MANAGE_ACCOUNTS = "manage accounts"
    APPOINT_OPERATORS = "appoint operators and administrators, and manage their accounts"
    REMOVE_ACCOUNTS = "remove accounts, and hand out what is known about a person"
    READ_AUDIT_LOG = "read the audit log"
    READ_METRICS = "read the server's metrics"


_STRANGER: Final = frozenset({Permission.READ_PUBLIC})
_ASTRONOMER: Final = _STRANGER | {Permission.READ_OWN, Permission.SUBMIT_REQUESTS}
_OPERATOR: Final = _ASTRONOMER | {
    Permission.SUBMIT_OBSERVATIONS,
    Permission.READ_SCHEDULER_FEED,
    Permission.PUBLISH_SCHEDULE,
    Permission.REPORT_OBSERVATIONS,
    Permission.EDIT_CONFIGURATION,
    Permission.EDIT_DOWNTIMES,
    Permission.MANAGE_PROPOSALS,
    Permission.DECIDE_APPLICATIONS,
    Permission.MANAGE_ACCOUNTS,
    Permission.READ_METRICS,
}

ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.STRANGER: _STRANGER,
    Role.ASTRONOMER: _ASTRONOMER,
    Role.CO_INVESTIGATOR: _ASTRONOMER,
    Role.PRINCIPAL_INVESTIGATOR: _ASTRONOMER | {Permission.MANAGE_PROPOSAL},
    Role.DIRECT_OBSERVER: _ASTRONOMER | {Permission.SUBMIT_OBSERVATIONS},
    Role.PANEL_MEMBER: _ASTRONOMER | {Permission.REVIEW_APPLICATIONS},
    Role.OPERATOR: _OPERATOR,
    Role.OVERSEER: _OPERATOR | {Permission.READ_EVERYTHING},
    Role.ADMINISTRATOR: frozenset(Permission) - {Permission.READ_EVERYTHING},
}
"""What each role permits. An administrator who wants to see everybody's requests turns on the staff view, as staff
does."""


def roles_of(user: AnyUser) -> frozenset[Role]:
    """The roles that follow from the account alone."""
    return frozenset(_roles(user))


def _roles(user: AnyUser) -> Iterator[Role]:
    """The same, one by one: the last one may need the database."""
    if not isinstance(user, User) or not user.is_active:
        yield Role.STRANGER
        return
    yield Role.ASTRONOMER
    if user.is_superuser:
        yield Role.ADMINISTRATOR
    if user.is_staff:
        yield Role.OVERSEER if profile_of(user).staff_view else Role.OPERATOR


def may(user: AnyUser, permission: Permission, also: Iterable[Role] = ()) -> bool:
    """Whether a person is allowed something.

    Args:
        user: Who.
        permission: What.
        also: Roles that the person has with regard to the thing in question.
    """
    return any(permission in ROLES[role] for role in chain(also, _roles(user)))


def sees_everything(user: AnyUser) -> bool:
    """Whether a person sees the requests and observations of every proposal (staff with the staff view)."""
    return may(user, Permission.READ_EVERYTHING)


def leads_a_proposal(user: AnyUser) -> bool:
    """Whether a person is principal investigator somewhere; asked of whoever knows proposals."""
    return isinstance(user, User) and any(ask(user) for ask in _leadership)


def register_leadership(ask: Callable[[User], bool]) -> None:
    """Tell how to find out whether a person leads a proposal; call it in the ``ready`` of an AppConfig."""
    if ask not in _leadership:
        _leadership.append(ask)


def only_authored(user: AnyUser) -> bool:
    """Whether a person has chosen to see only what they submitted themselves."""
    return isinstance(user, User) and profile_of(user).view_authored_requests_only


@cache
def requires(permission: Permission) -> type[BasePermission]:
    """A permission class for views that everybody with this permission may use."""

    class Requires(BasePermission):
        def has_permission(self, request: Request, view: APIView) -> bool:
            del view
            return may(request.user, permission)

    Requires.__name__ = Requires.__qualname__ = f"Requires_{permission.name}"
    return Requires


class IsStaff(BasePermission):
    """Operators, services, administrators."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller is staff."""
        del view
        return bool(request.user.is_staff)


class IsSuperuser(BasePermission):
    """Administrators."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller is an administrator."""
        del view
        return bool(request.user.is_superuser)


class IsStaffOrReadOnly(BasePermission):
    """Everybody reads, staff writes."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller reads, or is staff."""
        del view
        return request.method in SAFE_METHODS or bool(request.user.is_staff)


class ReadsPubliclyWritesStaff(IsStaffOrReadOnly):
    """Staff writes; everybody reads, or, where the configuration says so, everybody with an account."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller is staff, or reads and may."""
        if not configuration().read_access_is_public and not request.user.is_authenticated:
            return False
        return super().has_permission(request, view)
