from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from armillary.accounts.models import Profile, User


class ProfileInline(admin.StackedInline[Profile, User]):
    model = Profile
    fk_name = "user"
    can_delete = False


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # generic at checking time only
    inlines = (ProfileInline,)
    list_display = ("username", "email", "first_name", "last_name", "is_staff", "is_active", "last_login")
