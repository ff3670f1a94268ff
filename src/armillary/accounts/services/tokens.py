from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from armillary import clock
from armillary.accounts.models import ApiToken, User
from armillary.accounts.sealing import digest, seal, unseal
from armillary.accounts.services.siblings import announce_account
from armillary.platform.database import serialised
from armillary.platform.prepared import Prepared
from armillary.platform.refusals import Refusal

_KEY_BYTES: Final = 20  # 40 hexadecimal digits, as on the wire today
_ACCEPTABLE_KEY: Final = re.compile(r"[\x21-\x7e]{20,255}")
_LAST_USED_RESOLUTION: Final = timedelta(hours=1)


@transaction.atomic
def api_token(user: User) -> str:
    """A person's API token, made when it is first asked for.

    Raises:
        Unreadable: It was sealed with a secret key that this installation no longer has (it still works).
    """
    row = _wire_token(user)
    if row is None:
        serialised(f"accounts.token.{user.pk}")
        row = _wire_token(user)
    return set_api_token(user, secrets.token_hex(_KEY_BYTES)) if row is None else unseal(row.sealed)


@transaction.atomic
def revoke_token(user: User) -> str:
    """Replace a person's API token; the old one stops working at once. Gives the new one."""
    key = set_api_token(user, secrets.token_hex(_KEY_BYTES))
    announce_account(user)
    return key


@transaction.atomic
def set_api_token(user: User, key: str) -> str:
    """Give a person a certain API token instead of the one they have.

    Raises:
        Refusal: The key is too short, or is somebody else's.
    """
    if not _ACCEPTABLE_KEY.fullmatch(key):
        raise Refusal({"token": ["Give 20 to 255 printable characters without spaces."]})
    serialised(f"accounts.token.{user.pk}")
    if ApiToken.objects.filter(digest=digest(key)).exclude(user=user, kind=ApiToken.Kind.WIRE).exists():
        raise Refusal({"token": ["This token is already in use; choose another one."]})
    ApiToken.objects.filter(user=user, kind=ApiToken.Kind.WIRE).delete()
    ApiToken.objects.create(
        user=user, kind=ApiToken.Kind.WIRE, digest=digest(key), sealed=seal(key), created=clock.now()
    )
    return key


@transaction.atomic
def create_named_token(
    user: User, name: str, *, scopes: Sequence[str] = (), expires: datetime | None = None
) -> tuple[ApiToken, str]:
    """Give a person one more token; its key is shown now and never again.

    Raises:
        Refusal: The person already has a token of this name.
    """
    if ApiToken.objects.filter(user=user, kind=ApiToken.Kind.NAMED, name=name).exists():
        raise Refusal({"name": [f"You already have a token named {name!r}."]})
    key = secrets.token_hex(_KEY_BYTES)
    row = ApiToken.objects.create(
        user=user,
        kind=ApiToken.Kind.NAMED,
        name=name,
        digest=digest(key),
        scopes=list(scopes),
        expires=expires,
        created=clock.now(),
    )
    return row, key


@transaction.atomic
def delete_named_token(user: User, token_id: int) -> bool:
    """Stop one of a person's named tokens from working; whether there was one."""
    deleted, _ = ApiToken.objects.filter(user=user, kind=ApiToken.Kind.NAMED, pk=token_id).delete()
    return bool(deleted)


def _valid(key: str, moment: datetime) -> QuerySet[ApiToken]:
    rows = ApiToken.objects.filter(Q(expires__isnull=True) | Q(expires__gt=moment), digest=key)
    return rows.select_related("user", "user__profile")[:1]


_valid_token: Final = Prepared[ApiToken](_valid, key=str, moment=datetime)


def authenticate_token(key: str) -> ApiToken | None:
    """The token with this key, with its user (who may be inactive); ``None`` if there is none or it has expired."""
    moment = clock.now()
    row = _valid_token.first(key=digest(key), moment=moment)
    if row is not None and (row.last_used is None or abs(moment - row.last_used) > _LAST_USED_RESOLUTION):
        ApiToken.objects.filter(pk=row.pk).update(last_used=moment)
    return row


def _wire_token(user: User) -> ApiToken | None:
    return ApiToken.objects.filter(user=user, kind=ApiToken.Kind.WIRE).first()
