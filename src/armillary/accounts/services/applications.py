from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from oauth2_provider.generators import generate_client_id, generate_client_secret
from oauth2_provider.models import get_access_token_model, get_application_model

from armillary.accounts.models import User
from armillary.platform.refusals import Refusal

_ARCHIVE: Final = "Archive"
_LIFETIME: Final = timedelta(days=30)
_STILL_USEFUL: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CreatedApplication:
    """A new OAuth2 client; its secret is stored only as a hash, so this is the one time it can be shown."""

    application: Any
    client_id: str
    client_secret: str


@transaction.atomic
def create_oauth_application(
    name: str,
    *,
    owner: User | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    redirect_uris: str = "",
    grant_type: str = "password",
    confidential: bool = True,
) -> CreatedApplication:
    """Let another program ask for tokens in people's names.

    Args:
        name: What people read when they are asked for consent.
        owner: Who may change it.
        client_id: Default: random.
        client_secret: Default: random.
        redirect_uris: Addresses to return to, separated by spaces (authorisation code only).
        grant_type: ``password``, ``authorization-code`` or ``client-credentials``.
        confidential: Whether the program can keep a secret (a server can, a page in a browser cannot).

    Raises:
        Refusal: Field errors.
    """
    secret = client_secret or generate_client_secret()
    model = get_application_model()
    application = model(
        name=name,
        user=owner,
        client_id=client_id or generate_client_id(),
        client_secret=secret,
        redirect_uris=redirect_uris,
        authorization_grant_type=grant_type,
        algorithm=model.RS256_ALGORITHM,
        client_type=model.CLIENT_CONFIDENTIAL if confidential else model.CLIENT_PUBLIC,
    )
    try:
        application.full_clean()
    except ValidationError as error:
        raise Refusal(error.message_dict) from error
    application.save()
    return CreatedApplication(application, application.client_id, secret)


@transaction.atomic
def archive_token(user: User) -> str:
    """A person's OAuth2 token for the application named "Archive"; empty if no such application is registered."""
    application = get_application_model().objects.filter(name=_ARCHIVE).order_by("pk").first()
    if application is None:
        return ""
    tokens = get_access_token_model().objects.filter(user=user, application=application)
    row = tokens.filter(expires__gt=Now() + _STILL_USEFUL).order_by("-expires").first()
    if row is None:
        row = tokens.create(
            user=user, application=application, token=uuid.uuid4().hex, expires=Now() + _LIFETIME, scope=""
        )
    token: str = row.token
    return token
