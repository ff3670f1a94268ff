from __future__ import annotations

from django.apps import AppConfig


class ConfigDBConfig(AppConfig):
    """The configuration database as a Django application."""

    name = "armillary.configdb"
    label = "armillary_configdb"
    verbose_name = "Configuration database"
    default_auto_field = "django.db.models.BigAutoField"
