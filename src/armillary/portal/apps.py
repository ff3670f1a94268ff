from __future__ import annotations

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The observation portal as a Django application."""

    name = "armillary.portal"
    label = "armillary_portal"
    verbose_name = "Observation portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the accounts what a profile says about proposals."""
        from armillary.accounts import profile_sections
        from armillary.portal.proposals.profile import proposals_section

        profile_sections.register(proposals_section)
