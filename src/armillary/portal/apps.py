from __future__ import annotations

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The observation portal as a Django application."""

    name = "armillary.portal"
    label = "armillary_portal"
    verbose_name = "Observation portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the accounts what the portal knows about people, and what it does when they arrive or leave."""
        from armillary.accounts import arrivals, permissions, personal_data, profile_sections
        from armillary.portal.personal_data import PORTAL_DATA
        from armillary.portal.proposals.invitations import accept_invitations
        from armillary.portal.proposals.profile import proposals_section
        from armillary.portal.proposals.queries import leads_any

        profile_sections.register(proposals_section)
        arrivals.register(accept_invitations)
        permissions.register_leadership(leads_any)
        personal_data.register(PORTAL_DATA)
