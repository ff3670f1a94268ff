from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field

from armillary import clock
from armillary.accounts.models import ApiToken, Profile, User
from armillary.accounts.sealing import digest, seal
from armillary.platform.database import serialised


class _Details(BaseModel):
    model_config = ConfigDict(extra="ignore")

    staff_view: bool = False
    institution: str | None = None
    title: str | None = None


class _Tokens(BaseModel):
    model_config = ConfigDict(extra="ignore")

    api_token: str | None = None


class PortalAccount(BaseModel):
    """What a portal elsewhere says about a person; the keys are those of ``/api/profile/``."""

    model_config = ConfigDict(extra="ignore")

    username: str = Field(min_length=1, max_length=150)
    first_name: str = Field("", max_length=150)
    last_name: str = Field("", max_length=150)
    email: str = Field("", max_length=254)
    is_staff: bool = False
    is_superuser: bool = False
    profile: _Details = _Details()
    tokens: _Tokens = _Tokens()


@transaction.atomic
def remember_account(profile: Mapping[str, Any]) -> User:
    """Create or update the local shadow of a person whom a portal elsewhere knows.

    Args:
        profile: The object that the portal's ``/api/profile/`` answers, or that it pushes.

    Returns:
        The shadow: same name, same rights, no password.

    Raises:
        pydantic.ValidationError: The object lacks a name, or a value has the wrong type.
    """
    account = PortalAccount.model_validate(profile)
    serialised(f"accounts.shadow.{account.username}")
    values = account.model_dump(include={"first_name", "last_name", "email", "is_staff", "is_superuser"})
    if account.email:  # an address that moved from one person to another: the portal knows whose it is now
        User.objects.filter(email__iexact=account.email).exclude(username=account.username).update(email="")
    user = User.objects.filter(username=account.username).first()
    if user is None:
        user = User(username=account.username, date_joined=clock.now())
        user.set_unusable_password()
    _update(user, values)
    details = {name: value for name, value in account.profile.model_dump().items() if value is not None}
    shadow, _ = Profile.objects.get_or_create(user=user)
    _update(shadow, details)
    if account.tokens.api_token:
        _remember_token(user, account.tokens.api_token)
    user.profile = shadow
    return user


def _update(row: User | Profile, values: Mapping[str, Any]) -> None:
    """Write only what differs: a shadow is looked at far more often than it changes."""
    differing = [name for name, value in values.items() if getattr(row, name) != value]
    for name in differing:
        setattr(row, name, values[name])
    if row._state.adding:  # noqa: SLF001  documented by Django as the way to ask
        row.save()
    elif differing:
        row.save(update_fields=differing)


def _remember_token(user: User, key: str) -> None:
    if ApiToken.objects.filter(user=user, kind=ApiToken.Kind.PORTAL, digest=digest(key)).exists():
        return
    ApiToken.objects.filter(digest=digest(key), kind=ApiToken.Kind.PORTAL).delete()
    ApiToken.objects.filter(user=user, kind=ApiToken.Kind.PORTAL).delete()
    ApiToken.objects.create(
        user=user, kind=ApiToken.Kind.PORTAL, digest=digest(key), sealed=seal(key), created=clock.now()
    )
