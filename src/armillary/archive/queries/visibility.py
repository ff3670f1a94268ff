from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from armillary.accounts import identity
from armillary.accounts.models import User
from armillary.accounts.permissions import Permission, may
from armillary.archive.models import Frame, Thumbnail
from armillary.core.frames import Viewer


def viewer(user: User | object) -> Viewer:
    """What a person may see, as the portal says.

    Raises:
        ServiceUnavailable: The portal runs elsewhere and cannot be asked. Nobody is shown less than they may see.
    """
    if not isinstance(user, User):
        return Viewer()
    if may(user, Permission.STORE_FRAMES):
        return Viewer(sees_all=True)
    return Viewer(proposals=identity.proposal_ids(user))


def visible_frames(who: Viewer, now: datetime) -> QuerySet[Frame]:
    """The frames that exist for somebody. Stubs exist for nobody."""
    frames = Frame.objects.filter(observation_date__isnull=False)
    return frames if who.sees_all else frames.filter(rights(who, now))


def visible_thumbnails(who: Viewer, now: datetime) -> QuerySet[Thumbnail]:
    """The thumbnails of the frames that exist for somebody."""
    thumbnails = Thumbnail.objects.filter(frame__observation_date__isnull=False)
    return thumbnails if who.sees_all else thumbnails.filter(rights(who, now, prefix="frame__"))


def restricted_to_private(
    frames: QuerySet[Frame], who: Viewer, *, is_anonymous: bool, now: datetime
) -> QuerySet[Frame]:
    """What ``public=false`` leaves: a member's own frames; for others, what is not public."""
    if who.sees_all or is_anonymous:
        return frames.exclude(public_date__lt=now)
    return frames.filter(proposal_id__in=who.proposals) if who.proposals else frames


def rights(who: Viewer, now: datetime, prefix: str = "") -> Q:
    """What a frame must be to exist for somebody who does not see all, through a relation if need be."""
    public = Q(**{f"{prefix}public_date__lt": now})
    return public | Q(**{f"{prefix}proposal_id__in": sorted(who.proposals)}) if who.proposals else public
