"""What may be posted about proposals."""

from __future__ import annotations

import math
from typing import Any, Final

from rest_framework import serializers

from armillary.accounts.models import User
from armillary.platform.tables import TableField
from armillary.portal.proposals.models import Membership, Semester
from armillary.portal.proposals.services.importing import COLUMNS, REQUIRED

_LONGEST_H: Final = 500_000.0
"""Hours that a limit can have: more than half a century."""


class NotificationSerializer(serializers.Serializer[Any]):
    """Whether to be told about a proposal."""

    enabled = serializers.BooleanField()


class TimeLimitSerializer(serializers.Serializer[Any]):
    """A limit in hours; negative: none."""

    time_limit_hours = serializers.FloatField(min_value=-_LONGEST_H, max_value=_LONGEST_H)

    def validate_time_limit_hours(self, value: float) -> float:
        """A number, which ``NaN`` is not."""
        if math.isnan(value):
            raise serializers.ValidationError("A valid number is required.")
        return value


class KeySerializer(serializers.Serializer[Any]):
    """What proves that somebody was invited."""

    key = serializers.CharField(max_length=200)


class InvitationSerializer(serializers.Serializer[Any]):
    """Whom to invite."""

    emails = serializers.ListField(child=serializers.EmailField())
    time_limit = serializers.IntegerField(default=-1, min_value=-1, max_value=int(_LONGEST_H * 3600))


class ProposalSerializer(serializers.Serializer[Any]):
    """A proposal as the observatory writes it."""

    id = serializers.RegexField(r"^[^/\s][^/]*\Z", max_length=255)
    title = serializers.CharField(max_length=255)
    abstract = serializers.CharField(required=False, allow_blank=True)
    tac_priority = serializers.IntegerField(required=False, min_value=0, max_value=10_000)
    tac_rank = serializers.IntegerField(required=False, min_value=0, max_value=10_000)
    public = serializers.BooleanField(required=False)
    non_science = serializers.BooleanField(required=False)
    direct_submission = serializers.BooleanField(required=False)
    active = serializers.BooleanField(required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=255), required=False)
    notes = serializers.CharField(required=False, allow_blank=True)


class NewProposalSerializer(ProposalSerializer):
    """A proposal that is created."""

    sca = serializers.CharField(required=False, max_length=20)
    pi = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.filter(is_active=True))


class SemesterSerializer(serializers.Serializer[Any]):
    """A semester."""

    id = serializers.RegexField(r"^[^/\s]+\Z", max_length=20)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class HoursSerializer(serializers.Serializer[Any]):
    """Hours by kind; negative ones take granted time back."""

    std_allocation = serializers.FloatField(default=0.0, min_value=-1e6, max_value=1e6)
    rr_allocation = serializers.FloatField(default=0.0, min_value=-1e6, max_value=1e6)
    tc_allocation = serializers.FloatField(default=0.0, min_value=-1e6, max_value=1e6)
    realtime_allocation = serializers.FloatField(default=0.0, min_value=-1e6, max_value=1e6)
    reason = serializers.CharField(max_length=200)


class GrantedTimeSerializer(HoursSerializer):
    """Hours in a semester on a set of instrument types."""

    semester = serializers.PrimaryKeyRelatedField(queryset=Semester.objects.all())
    instrument_types = serializers.ListField(child=serializers.CharField(max_length=255), allow_empty=False)


class MemberSerializer(serializers.Serializer[Any]):
    """Somebody's part in a proposal."""

    username = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.filter(is_active=True))
    role = serializers.ChoiceField(choices=Membership.Role.choices, default=Membership.Role.CI)


class RollOverSerializer(serializers.Serializer[Any]):
    """Where unused hours go."""

    to = serializers.PrimaryKeyRelatedField(queryset=Semester.objects.all())
    proposals = serializers.ListField(
        child=serializers.CharField(max_length=255), required=False, allow_null=True, default=None
    )
    dry_run = serializers.BooleanField(default=False)


class CollaborationSerializer(serializers.Serializer[Any]):
    """A partner that distributes time of its own."""

    name = serializers.CharField(max_length=255, allow_blank=True, default="")
    admin = serializers.SlugRelatedField(
        slug_field="username", queryset=User.objects.filter(is_active=True), allow_null=True, default=None
    )
    hours = serializers.DictField(
        child=serializers.FloatField(min_value=0, max_value=1e6), default=dict, help_text="by name of the telescope"
    )


class ImportSerializer(serializers.Serializer[Any]):
    """A table of proposals."""

    csv = TableField(columns=COLUMNS, required_columns=REQUIRED)
    semester = serializers.PrimaryKeyRelatedField(
        queryset=Semester.objects.all(), required=False, allow_null=True, default=None
    )
    dry_run = serializers.BooleanField(default=False)
