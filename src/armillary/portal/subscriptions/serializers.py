from __future__ import annotations

from typing import Any

from rest_framework import serializers


class SubscriptionSerializer(serializers.Serializer[Any]):
    """A program's address to which changes are sent."""

    id = serializers.IntegerField(read_only=True)
    url = serializers.URLField(max_length=500)
    kinds = serializers.ListField(child=serializers.CharField(max_length=64), default=list, max_length=20)
    active = serializers.BooleanField(default=True)
    cursor = serializers.CharField(read_only=True)
    created = serializers.DateTimeField(read_only=True)
    attempts = serializers.IntegerField(read_only=True)
    error = serializers.CharField(read_only=True)
