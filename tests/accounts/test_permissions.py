from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from armillary.accounts import services
from armillary.accounts.models import Profile, User
from armillary.accounts.permissions import (
    ROLES,
    IsStaffOrReadOnly,
    Permission,
    ReadsPubliclyWritesStaff,
    Role,
    may,
    only_authored,
    requires,
    roles_of,
    sees_everything,
)
from armillary.configuration import configuration

pytestmark = pytest.mark.django_db


def person(**flags: bool) -> User:
    return services.create_user("person", **flags)


def test_every_role_stands_in_the_table_and_every_permission_is_given_to_someone() -> None:
    assert set(ROLES) == set(Role)
    assert set().union(*ROLES.values()) == set(Permission)


def test_whoever_has_an_account_may_at_least_what_a_stranger_may() -> None:
    for role in Role:
        assert ROLES[role] >= ROLES[Role.STRANGER]


@pytest.mark.parametrize(
    ("flags", "roles", "everything"),
    [
        ({}, {Role.ASTRONOMER}, False),
        ({"is_staff": True}, {Role.ASTRONOMER, Role.OPERATOR}, False),
        ({"is_staff": True, "staff_view": True}, {Role.ASTRONOMER, Role.OVERSEER}, True),
        ({"staff_view": True}, {Role.ASTRONOMER}, False),
        ({"is_superuser": True}, {Role.ASTRONOMER, Role.ADMINISTRATOR}, False),
        ({"is_staff": True, "is_active": False}, {Role.STRANGER}, False),
    ],
)
def test_roles_follow_from_the_account(flags: dict[str, bool], roles: set[Role], everything: bool) -> None:
    user = person(**flags)
    assert roles_of(user) == roles
    assert sees_everything(user) is everything


def test_a_stranger_may_only_read_what_is_public() -> None:
    assert [permission for permission in Permission if may(AnonymousUser(), permission)] == [Permission.READ_PUBLIC]


def test_a_role_in_a_proposal_adds_to_those_of_the_account() -> None:
    user = person()
    assert not may(user, Permission.MANAGE_PROPOSAL)
    assert may(user, Permission.MANAGE_PROPOSAL, also=[Role.PRINCIPAL_INVESTIGATOR])


def test_an_account_without_profile_is_an_ordinary_one() -> None:
    user = person(is_staff=True, staff_view=True)
    Profile.objects.all().delete()
    user = User.objects.get(pk=user.pk)
    assert not sees_everything(user)
    assert not only_authored(user)


def allowed(permission: type, method: str, user: User | AnonymousUser) -> bool:
    request = Request(getattr(APIRequestFactory(), method)("/"))
    request.user = user
    return bool(permission().has_permission(request, APIView()))


def test_reading_is_public_and_writing_is_staffs() -> None:
    staff, astronomer = person(is_staff=True), services.create_user("astronomer")
    for permission in (IsStaffOrReadOnly, ReadsPubliclyWritesStaff):
        assert allowed(permission, "get", AnonymousUser())
        assert not allowed(permission, "post", AnonymousUser())
        assert not allowed(permission, "delete", astronomer)
        assert allowed(permission, "post", staff)


def test_reading_can_be_kept_for_people_with_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMILLARY_READ_ACCESS_IS_PUBLIC", "false")
    configuration.cache_clear()
    try:
        assert not allowed(ReadsPubliclyWritesStaff, "get", AnonymousUser())
        assert allowed(ReadsPubliclyWritesStaff, "get", person())
    finally:
        monkeypatch.undo()
        configuration.cache_clear()


def test_a_view_can_ask_for_one_permission() -> None:
    assert requires(Permission.EDIT_DOWNTIMES) is requires(Permission.EDIT_DOWNTIMES)
    assert allowed(requires(Permission.EDIT_DOWNTIMES), "post", person(is_staff=True))
    assert not allowed(requires(Permission.EDIT_DOWNTIMES), "post", services.create_user("astronomer"))
