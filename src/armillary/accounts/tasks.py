from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import httpx
import structlog
from django.db.models.functions import Now
from django_tasks import task
from oauth2_provider.models import clear_expired

from armillary.accounts.models import ApiToken, User
from armillary.accounts.queries import profile_object
from armillary.configuration import configuration
from armillary.platform.periodic import periodic

_TIMEOUT_S: Final = 10.0
_ATTEMPTS: Final = 6
_FIRST_WAIT: Final = timedelta(seconds=30)

logger = structlog.get_logger(__name__)


@task()
def push_account(user_id: int, base_url: str, attempt: int = 1) -> None:
    """Tell one OCS sibling what an account is now; try again later if it does not listen."""
    user = User.objects.filter(pk=user_id).first()
    key = configuration().oauth_server_key
    if user is None or key is None:
        return
    address = f"{base_url.rstrip('/')}/authprofile/addupdateuser/"
    headers = {"Authorization": f"Server {key.get_secret_value()}"}
    try:
        httpx.post(address, json=profile_object(user), headers=headers, timeout=_TIMEOUT_S).raise_for_status()
    except httpx.HTTPError as error:
        logger.warning("account_not_pushed", user=user.username, sibling=base_url, attempt=attempt, error=str(error))
        if attempt >= _ATTEMPTS:
            raise
        later = User.objects.annotate(later=Now() + _FIRST_WAIT * 2**attempt).values_list("later", flat=True)
        push_account.using(run_after=later.get(pk=user_id)).enqueue(user_id, base_url, attempt + 1)


@periodic(every=timedelta(days=1), name="accounts.delete_expired_tokens")
def delete_expired_tokens(now: datetime) -> None:
    """Delete OAuth2 tokens and API tokens that nobody can use any more."""
    ApiToken.objects.filter(expires__lt=now).delete()
    clear_expired()
