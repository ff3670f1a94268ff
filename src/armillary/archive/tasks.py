from __future__ import annotations

from datetime import datetime, timedelta

from django_tasks import task

from armillary.archive.services.announce_frames import announce_frames
from armillary.archive.services.make_thumbnails import make_thumbnails_of
from armillary.configuration import configuration
from armillary.platform.periodic import periodic


@task()
def make_thumbnails(key: int) -> int:
    """Draw the thumbnails of a frame."""
    return make_thumbnails_of(key)


@periodic(every=timedelta(seconds=5), name="archive.announce_frames")
def announce(now: datetime) -> int:
    """Tell those who listen what was archived."""
    del now
    return announce_frames(configuration())
