from __future__ import annotations

from django.apps import AppConfig


class DowntimeAppConfig(AppConfig):
    """The downtime database as a Django application."""

    name = "armillary.downtime"
    label = "armillary_downtime"
    verbose_name = "Downtime database"
    default_auto_field = "django.db.models.BigAutoField"
