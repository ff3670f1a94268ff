from __future__ import annotations

from typing import Any

from rest_framework import serializers

from armillary.accounts.models import Profile, User


class ProfileDetailsSerializer(serializers.ModelSerializer[Profile]):
    """What people may change about themselves."""

    class Meta:
        model = Profile
        fields = (
            "education_user",
            "notifications_enabled",
            "notifications_on_authored_only",
            "simple_interface",
            "view_authored_requests_only",
            "title",
            "staff_view",
            "institution",
        )


class AccountSerializer(serializers.Serializer[User]):
    """The writable part of ``/api/profile/``; everything else in the object is ignored."""

    username = serializers.CharField(max_length=150, help_text="required by PUT, never changed")
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    profile = ProfileDetailsSerializer(required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """What was given, and only that: an omitted flag is not a false one."""
        values = super().to_internal_value(data)
        values.pop("username", None)
        details = data.get("profile")
        if "profile" in values and isinstance(details, dict):
            values["profile"] = {name: value for name, value in values["profile"].items() if name in details}
        return dict(values)


class CredentialsSerializer(serializers.Serializer[User]):
    """Name (or e-mail address) and password."""

    username = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False)


class RemovalRequestSerializer(serializers.Serializer[User]):
    """Why an account shall be removed."""

    reason = serializers.CharField(max_length=1000)
