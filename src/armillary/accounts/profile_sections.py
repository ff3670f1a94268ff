"""What other components add to a person's profile; accounts knows no proposals, so whoever does registers here."""

from __future__ import annotations

from typing import Any, Final, Protocol, TypedDict

from armillary.accounts.models import User


class ProfileSection(TypedDict, total=False):
    """Parts of the object that ``/api/profile/`` answers."""

    proposals: list[dict[str, Any]]
    available_instrument_types: list[str]
    proposal_notifications: list[str]
    sciencecollaborationallocation: dict[str, Any] | None


class SectionProvider(Protocol):
    """Gives a component's part of a person's profile."""

    def __call__(self, user: User, *, include_current_time_allocations: bool) -> ProfileSection:
        """The part for this person."""


_providers: Final[list[SectionProvider]] = []


def register(provider: SectionProvider) -> None:
    """Add a component's part; call it in the ``ready`` of its AppConfig."""
    if provider not in _providers:
        _providers.append(provider)


def collect(user: User, *, include_current_time_allocations: bool) -> ProfileSection:
    """All registered parts together; of two that give the same key the later one counts."""
    merged = ProfileSection()
    for provider in _providers:
        merged.update(provider(user, include_current_time_allocations=include_current_time_allocations))
    return merged
