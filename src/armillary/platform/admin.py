from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from armillary.platform.models import Change, OutboxMail, PeriodicJob


class _ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic at checking time only
    """Records of what happened are looked at, not edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        del request, obj
        return False


@admin.register(Change)
class ChangeAdmin(_ReadOnlyAdmin):
    list_display = ("id", "kind", "key", "created")
    list_filter = ("kind",)
    search_fields = ("key",)


@admin.register(OutboxMail)
class OutboxMailAdmin(_ReadOnlyAdmin):
    list_display = ("id", "subject", "to", "state", "attempts", "created", "sent")
    list_filter = ("state",)
    search_fields = ("subject", "to")


@admin.register(PeriodicJob)
class PeriodicJobAdmin(_ReadOnlyAdmin):
    list_display = ("name", "due", "started", "finished", "error")
