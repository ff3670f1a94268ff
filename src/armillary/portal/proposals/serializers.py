"""What may be posted about proposals."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class NotificationSerializer(serializers.Serializer[Any]):
    """Whether to be told about a proposal."""

    enabled = serializers.BooleanField()


class TimeLimitSerializer(serializers.Serializer[Any]):
    """A limit in hours; negative: none."""

    time_limit_hours = serializers.FloatField()


class KeySerializer(serializers.Serializer[Any]):
    """What proves that somebody was invited."""

    key = serializers.CharField(max_length=200)


class InvitationSerializer(serializers.Serializer[Any]):
    """Whom to invite."""

    emails = serializers.ListField(child=serializers.EmailField(), allow_empty=False)
    time_limit = serializers.IntegerField(default=-1, min_value=-1)
