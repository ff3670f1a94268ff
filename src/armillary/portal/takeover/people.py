"""Accounts of a dump."""

from __future__ import annotations

from datetime import datetime

from armillary.accounts.models import Profile, User
from armillary.accounts.services.tokens import set_api_token
from armillary.portal.takeover.dump import Dump, moments

_USER = ("username", "first_name", "last_name", "email", "is_staff", "is_superuser", "is_active", "password")
_PROFILE = (
    "institution",
    "title",
    "education_user",
    "notifications_enabled",
    "notifications_on_authored_only",
    "simple_interface",
    "view_authored_requests_only",
    "staff_view",
)


def take_over_people(dump: Dump) -> dict[int, User]:
    """Create or update the accounts of a dump; the new ones by the ids of the dump.

    An account of the same name that is here already stays as it is, and stands for the one in the dump.
    """
    people: dict[int, User] = {}
    profiles = {item["user"]: item for item in dump.of("accounts.profile")}
    known = {user.username: user for user in User.objects.all()}
    taken = set(User.objects.values_list("pk", flat=True))
    for item in dump.of("auth.user"):
        user = known.get(item["username"])
        if user is None:
            key = item["pk"] if item["pk"] not in taken else None
            joined = datetime.fromisoformat(item["date_joined"])
            user = User(pk=key, **{name: item[name] for name in _USER}, date_joined=joined)
            user.save(force_insert=True)
            if profile := profiles.get(item["pk"]):
                Profile.objects.create(
                    user=user,
                    **{name: profile[name] for name in _PROFILE},
                    **moments(profile, "terms_accepted", "password_expiration"),
                )
            else:
                Profile.objects.create(user=user)
        people[item["pk"]] = user
    for token in dump.of("authtoken.token"):
        if token["user"] in people:
            set_api_token(people[token["user"]], token["pk"])
    return people
