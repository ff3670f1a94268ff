from __future__ import annotations

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    """The science archive."""

    name = "armillary.archive"
    label = "armillary_archive"
    verbose_name = "Science archive"
    default_auto_field = "django.db.models.BigAutoField"
