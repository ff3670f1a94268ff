from __future__ import annotations

from typing import Final

from rest_framework import serializers

from armillary.downtime.models import Downtime

_WIRE_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
_ACCEPTED: Final = ["iso-8601", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]


class DowntimeSerializer(serializers.ModelSerializer[Downtime]):
    """Whole seconds in UTC on the wire: consumers read exactly this form."""

    start = serializers.DateTimeField(format=_WIRE_FORMAT, input_formats=_ACCEPTED)
    end = serializers.DateTimeField(format=_WIRE_FORMAT, input_formats=_ACCEPTED)

    class Meta:
        model = Downtime
        fields = ("id", "start", "end", "site", "enclosure", "telescope", "instrument_type", "reason")
