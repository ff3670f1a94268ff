from __future__ import annotations

from django_tasks import task

from armillary.archive.services.make_thumbnails import make_thumbnails_of


@task()
def make_thumbnails(key: int) -> int:
    """Draw the thumbnails of a frame."""
    return make_thumbnails_of(key)
