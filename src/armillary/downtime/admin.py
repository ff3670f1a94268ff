from __future__ import annotations

from django.contrib import admin

from armillary.downtime.models import Downtime


@admin.register(Downtime)
class DowntimeAdmin(admin.ModelAdmin[Downtime]):
    list_display = ("site", "enclosure", "telescope", "instrument_type", "start", "end", "reason", "author")
    list_filter = ("site", "telescope", "start")
    search_fields = ("reason", "instrument_type")
    date_hierarchy = "start"

    def has_add_permission(self, request: object) -> bool:
        """Downtimes are checked against the configuration by the service: declare them over the API."""
        del request
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        """The same."""
        del request, obj
        return False
