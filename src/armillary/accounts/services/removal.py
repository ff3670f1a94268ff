from __future__ import annotations

from django.contrib.sessions.models import Session
from django.db import transaction
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from armillary.accounts import audit, personal_data
from armillary.accounts.models import ApiToken, Profile, User
from armillary.accounts.sessions import forget_logins
from armillary.platform.refusals import Refusal


@transaction.atomic
def remove_account(user: User, *, actor: User) -> None:
    """Remove a person: what identifies them is erased everywhere, what they observed stays, by nobody.

    Raises:
        Refusal: It is the last administrator, or the person who asks.
    """
    locked = User.objects.select_for_update().get(pk=user.pk)
    if locked.pk == actor.pk:
        raise Refusal("You cannot remove your own account; ask another administrator.")
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=locked.pk)
    if locked.is_superuser and not others.exists():
        raise Refusal("This is the last administrator; appoint another one first.")
    for holder in personal_data.holders():
        holder.forget(locked)
    end_sessions(locked)
    forget_logins(locked)
    ApiToken.objects.filter(user=locked).delete()
    get_access_token_model().objects.filter(user=locked).delete()
    get_refresh_token_model().objects.filter(user=locked).delete()
    Profile.objects.filter(user=locked).delete()
    Profile.objects.create(user=locked)
    former = locked.username
    locked.username = f"removed-{locked.pk}"
    locked.email = locked.first_name = locked.last_name = ""
    locked.is_active = locked.is_staff = locked.is_superuser = False
    locked.set_unusable_password()
    locked.save()
    audit.forget_name(former, locked.username)
    audit.record(actor, "account.remove", locked.username)


def end_sessions(user: User, *, except_key: str | None = None) -> int:
    """End a person's sessions in browsers; how many that were."""
    ended = 0
    for session in Session.objects.all().iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk) and session.session_key != except_key:
            session.delete()
            ended += 1
    return ended
