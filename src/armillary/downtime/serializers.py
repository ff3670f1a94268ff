from __future__ import annotations

from typing import Any, Final

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
        fields: tuple[str, ...] = ("id", "start", "end", "site", "enclosure", "telescope", "instrument_type", "reason")

    def to_representation(self, instance: Downtime) -> dict[str, Any]:
        """The series is told only of those that are in one."""
        shown: dict[str, Any] = super().to_representation(instance)
        return shown | ({"series": str(instance.series)} if instance.series else {})


class DeclarationSerializer(DowntimeSerializer):
    """What may be declared: a telescope, all of an enclosure, or all of a site; once, or by a rule."""

    enclosure = serializers.CharField(max_length=200, help_text="*: all of the site")
    telescope = serializers.CharField(max_length=200, help_text="*: all of the enclosure")
    recurrence = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        write_only=True,
        help_text="Rule as in iCalendar, in UTC: FREQ=WEEKLY;BYDAY=MO;COUNT=10",
    )
    series = serializers.UUIDField(read_only=True, required=False, help_text="What was declared together")
    members = DowntimeSerializer(many=True, read_only=True, required=False, help_text="All of the series")
    warnings = serializers.ListField(
        child=serializers.CharField(), read_only=True, required=False, help_text="Which others it overlaps"
    )

    class Meta(DowntimeSerializer.Meta):
        fields = (*DowntimeSerializer.Meta.fields, "recurrence", "series", "members", "warnings")
