from __future__ import annotations

from armillary.accounts.models import User
from armillary.configuration import Component, configuration
from armillary.platform.database import require_transaction


def announce_account(user: User) -> None:
    """Tell the OCS siblings about a changed account, once the surrounding transaction is committed."""
    require_transaction("announce_account()")
    settings = configuration()
    if not settings.runs(Component.PORTAL):
        return
    from armillary.accounts.tasks import push_account  # tasks read what services write: imported late, or in a circle

    for base_url in settings.oauth_client_apps_base_urls:
        push_account.enqueue(user_id=user.pk, base_url=base_url)
