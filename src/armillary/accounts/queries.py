"""Reading accounts."""

from __future__ import annotations

from typing import Any

import structlog

from armillary import clock
from armillary.accounts import profile_sections, services
from armillary.accounts.models import Profile, User
from armillary.accounts.sealing import Unreadable
from armillary.platform.wire import wire_time

logger = structlog.get_logger(__name__)


def profile_of(user: User) -> Profile:
    """A person's profile; an empty unsaved one for an account without (made by Django's own commands)."""
    try:
        return user.profile
    except Profile.DoesNotExist:
        return Profile(user=user)


def password_is_expired(user: User) -> bool:
    """Whether a person has to change their password before they can do anything else."""
    expiration = profile_of(user).password_expiration
    return expiration is not None and expiration < clock.now()


def profile_object(user: User, *, include_current_time_allocations: bool = False) -> dict[str, Any]:
    """A person as ``/api/profile/`` shows them, including their tokens: for that person's eyes only."""
    section = profile_sections.collect(user, include_current_time_allocations=include_current_time_allocations)
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "profile": _details(profile_of(user), section.get("sciencecollaborationallocation")),
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
        "proposals": section.get("proposals", []),
        "available_instrument_types": section.get("available_instrument_types", []),
        "tokens": {"archive": services.archive_token(user), "api_token": _readable_token(user)},
        "proposal_notifications": section.get("proposal_notifications", []),
    }


def _details(profile: Profile, allocation: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "education_user": profile.education_user,
        "notifications_enabled": profile.notifications_enabled,
        "notifications_on_authored_only": profile.notifications_on_authored_only,
        "simple_interface": profile.simple_interface,
        "view_authored_requests_only": profile.view_authored_requests_only,
        "title": profile.title,
        "staff_view": profile.staff_view,
        "institution": profile.institution,
        "api_quota": {"used": 0, "allowed": "unlimited"},
        "terms_accepted": wire_time(profile.terms_accepted),
        "sciencecollaborationallocation": allocation,
        "password_expiration": wire_time(profile.password_expiration),
    }


def _readable_token(user: User) -> str:
    """The person's token; empty when the secret key was changed, so that the rest of the profile is still served."""
    try:
        return services.api_token(user)
    except Unreadable:
        logger.warning("api_token_unreadable", user=user.username)
        return ""
