from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from armillary.platform import timestamps


class PlatformConfig(AppConfig):
    """Plumbing: errors, paging, change feed, tasks, outbox, locks, logs."""

    name = "armillary.platform"
    label = "armillary_platform"
    verbose_name = "Platform"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import every component's ``tasks`` module, where periodic jobs register themselves; prepare connections."""
        timestamps.install()
        autodiscover_modules("tasks")
