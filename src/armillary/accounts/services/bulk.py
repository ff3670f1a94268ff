from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from armillary import clock
from armillary.accounts import arrivals, audit
from armillary.accounts.models import Profile, User
from armillary.accounts.services.users import create_user
from armillary.platform.letters import queue_letter
from armillary.platform.refusals import Refusal

MOST_AT_ONCE: Final = 50
_PASSWORD_BYTES: Final = 18


@transaction.atomic
def create_users(people: Sequence[Mapping[str, Any]], *, created_by: User) -> list[User]:
    """Create several accounts for others: all of them, or none.

    Each gets a password that serves for one thing: to set another one. Nobody is told it by mail, which leads to the
    page that sets one.

    Args:
        people: Arguments of :func:`create_user`; without a ``password`` a random one is set.
        created_by: Who does this.

    Raises:
        Refusal: ``{"users": ...}``, as sentences about the whole or by place in the list.
    """
    if sentences := _repeated(people, "username") + _repeated(people, "email"):
        raise Refusal({"users": sentences})
    if errors := {str(place): found for place, person in enumerate(people) if (found := _errors(person))}:
        raise Refusal({"users": errors})
    return [_create(person, created_by) for person in people]


def _repeated(people: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    counts = Counter(str(person.get(name, "")).casefold() for person in people if person.get(name))
    return [f"{name} '{value}' provided multiple times" for value, number in counts.items() if number > 1]


def _errors(person: Mapping[str, Any]) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if User.objects.filter(username__iexact=person["username"]).exists():
        errors["username"] = ["username already exists"]
    if person["email"] and User.objects.filter(email__iexact=person["email"]).exists():
        errors["email"] = ["user with email already exists"]
    return errors


def _create(person: Mapping[str, Any], created_by: User) -> User:
    password = person.get("password") or secrets.token_urlsafe(_PASSWORD_BYTES)
    user = create_user(**{**person, "password": password, "created_by": created_by})
    Profile.objects.filter(user=user).update(password_expiration=clock.now())
    queue_letter("accounts/account_created", to=user.email, context={"person": user, "created_by": created_by})
    audit.record(created_by, "account.create", user.username)
    arrivals.announce(user)
    return user
