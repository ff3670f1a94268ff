from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction

from armillary import clock
from armillary.accounts.models import Profile, User
from armillary.accounts.services.siblings import announce_account
from armillary.accounts.services.tokens import set_api_token
from armillary.platform.refusals import Refusal

_PASSWORD_LIFETIME: Final = timedelta(days=365)
_OF_THE_USER: Final = ("email", "first_name", "last_name")


@transaction.atomic
def create_user(
    username: str,
    *,
    email: str = "",
    password: str | None = None,
    first_name: str = "",
    last_name: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
    is_active: bool = True,
    staff_view: bool = False,
    institution: str = "",
    title: str = "",
    education_user: bool = False,
    simple_interface: bool = False,
    token: str | None = None,
    created_by: User | None = None,
) -> User:
    """Create a person or a service account, with a profile.

    Args:
        username: Unique name, at most 150 letters, digits and ``@ . + - _``.
        email: Unique address, or empty.
        password: Without one, nobody can log in with a password (tokens work).
        first_name: Given name.
        last_name: Family name.
        is_staff: Operators and services.
        is_superuser: Administrators.
        is_active: Accounts that wait for their activation are not.
        staff_view: Staff that sees every proposal's requests.
        institution: Where the person works.
        title: How the person is addressed.
        education_user: Takes part in an education programme; gets no reminders.
        simple_interface: Wants fewer options in the pages.
        token: The API token to give; default: a random one when it is first asked for.
        created_by: Who made this account for someone else.

    Raises:
        Refusal: Field errors: a name or address that is taken or malformed.
    """
    user = User(
        username=username,
        email=User.objects.normalize_email(email),
        first_name=first_name,
        last_name=last_name,
        is_staff=is_staff,
        is_superuser=is_superuser,
        is_active=is_active,
        date_joined=clock.now(),
    )
    user.set_password(password)
    _save(user)
    Profile.objects.create(
        user=user,
        staff_view=staff_view,
        institution=institution,
        title=title,
        education_user=education_user,
        simple_interface=simple_interface,
        created_by=created_by,
    )
    if token is not None:
        set_api_token(user, token)
    return user


@transaction.atomic
def change_account(user: User, changes: Mapping[str, Any]) -> User:
    """Change a person's own data.

    Args:
        user: Whose.
        changes: Any of ``email``, ``first_name``, ``last_name``, and ``profile`` with fields of :class:`Profile`.

    Returns:
        The user, read anew.

    Raises:
        Refusal: Field errors: the address is taken, or ``staff_view`` is asked for by someone who is not staff.
    """
    fresh = User.objects.select_for_update().get(pk=user.pk)
    profile, _ = Profile.objects.get_or_create(user=fresh)
    details = changes.get("profile", {})
    if details.get("staff_view") and not fresh.is_staff:
        raise Refusal({"profile": {"staff_view": ["Only staff can see everything; ask an administrator."]}})
    for name, value in details.items():
        setattr(profile, name, value)
    profile.save()
    for name in _OF_THE_USER:
        if name in changes:
            setattr(fresh, name, changes[name])
    _save(fresh)
    announce_account(fresh)
    return fresh


@transaction.atomic
def accept_terms(user: User) -> None:
    """Note that a person accepted the terms of use, now."""
    Profile.objects.update_or_create(user=user, defaults={"terms_accepted": clock.now()})
    announce_account(user)


@transaction.atomic
def note_password_change(user: User) -> None:
    """Give a password that expires another year: its owner has just changed it."""
    expiring = Profile.objects.filter(user=user, password_expiration__isnull=False)
    expiring.update(password_expiration=clock.now() + _PASSWORD_LIFETIME)


def _save(user: User) -> None:
    try:
        user.full_clean(exclude=["password"])
        with transaction.atomic():
            user.save()
    except ValidationError as error:
        raise Refusal(_field_errors(error)) from error
    except IntegrityError as error:  # somebody else took the name or the address in this very moment
        raise Refusal({"username": ["This username or e-mail address has just been taken."]}) from error


def _field_errors(error: ValidationError) -> dict[str, list[str]]:
    # The only rule about the whole user is that about the address.
    return {"email" if name == NON_FIELD_ERRORS else name: messages for name, messages in error.message_dict.items()}
