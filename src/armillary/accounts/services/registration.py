from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.core import signing
from django.db import transaction

from armillary import clock
from armillary.accounts import arrivals
from armillary.accounts.models import Profile, User
from armillary.accounts.services.users import create_user
from armillary.configuration import configuration
from armillary.platform.outbox import mailed_since, queue_mail
from armillary.platform.refusals import Refusal

ACTIVATION_DAYS: Final = 7
MAILS_AN_HOUR: Final = 5
_SALT: Final = "armillary.accounts.activation"
_LONGEST_REASON: Final = 1000


@transaction.atomic
def register(*, username: str, email: str, password: str, **details: Any) -> User:
    """Create an account that waits for its owner to follow the link in a mail.

    Args:
        username: As for :func:`create_user`, as are ``details``.
        email: Where the link goes.
        password: Already checked against the rules for passwords.
        details: Further arguments of :func:`create_user`.

    Raises:
        Refusal: Field errors.
    """
    user = create_user(username, email=email, password=password, is_active=False, **details)
    Profile.objects.filter(user=user).update(terms_accepted=clock.now(), awaits_activation=True)
    _send_activation(user)
    return user


@transaction.atomic
def register_from_provider(*, username: str, email: str, is_verified: bool, **details: Any) -> User:
    """Create an account for somebody whom a provider of identities has sent.

    Args:
        username: As for :func:`create_user`, as are ``details``.
        email: The person's address.
        is_verified: Whether the provider has verified it; otherwise the account waits for our own link to be followed.
        details: Further arguments of :func:`create_user`.

    Raises:
        Refusal: Field errors.
    """
    user = create_user(username, email=email, is_active=is_verified, **details)
    Profile.objects.filter(user=user).update(terms_accepted=clock.now(), awaits_activation=not is_verified)
    if is_verified:
        arrivals.announce(user)
    else:
        _send_activation(user)
    return User.objects.select_related("profile").get(pk=user.pk)


@transaction.atomic
def request_activation(email: str) -> None:
    """Send the link again, if an account with this address waits for it; says nothing about whether there is one."""
    user = User.objects.filter(email__iexact=email, is_active=False, profile__awaits_activation=True).first()
    if user is not None:
        _send_activation(user)


@transaction.atomic
def activate(key: str) -> User:
    """Activate the account whose owner followed a link.

    Raises:
        Refusal: The link is not ours, too old, or was used before.
    """
    try:
        username = signing.loads(key, salt=_SALT, max_age=ACTIVATION_DAYS * 86400)
    except signing.SignatureExpired as error:
        raise Refusal(f"This link is older than {ACTIVATION_DAYS} days; ask for another one.") from error
    except signing.BadSignature as error:
        raise Refusal("This link is not complete; copy the whole address from the mail.") from error
    waiting = Profile.objects.filter(user__username=username, awaits_activation=True)
    if not waiting.update(awaits_activation=False):
        raise Refusal("This account is already active, or no longer exists.")
    user = User.objects.get(username=username)
    user.is_active = True
    user.save(update_fields=["is_active"])
    arrivals.announce(user)
    return user


def too_many_mails(address: str, subject: str) -> bool:
    """Whether an address has had enough of one mail for an hour: strangers must not be able to flood it."""
    return mailed_since(clock.now() - timedelta(hours=1), to=address, subject=subject) >= MAILS_AN_HOUR


@transaction.atomic
def request_removal(user: User, reason: str) -> None:
    """Pass a person's wish to have the account removed on to the observatory's support.

    Raises:
        Refusal: There is no reason, or too long a one.
    """
    if not reason.strip():
        raise Refusal({"reason": ["This field may not be blank."]})
    if len(reason) > _LONGEST_REASON:
        raise Refusal({"reason": [f"Ensure this field has no more than {_LONGEST_REASON} characters."]})
    settings = configuration()
    queue_mail(
        to=settings.organization_support_email or settings.organization_email,
        subject=f"Account removal request: {user.username}",
        body=(
            f"{user.get_full_name()} ({user.username}, {user.email}) asks for the account to be removed:\n\n{reason}\n"
        ),
    )


def _send_activation(user: User) -> None:
    settings = configuration()
    subject = f"Activate your {settings.organization_name} account"
    if too_many_mails(user.email, subject):
        return
    key = signing.dumps(user.username, salt=_SALT)
    queue_mail(
        to=user.email,
        subject=subject,
        body=(
            f"Welcome, {user.get_full_name() or user.username}.\n\n"
            f"Follow this link within {ACTIVATION_DAYS} days to activate your account:\n\n"
            f"{str(settings.public_url).rstrip('/')}/accounts/activate/{key}/\n\n"
            "If you did not register, ignore this mail; the account stays unused.\n"
        ),
    )
