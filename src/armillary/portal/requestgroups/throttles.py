"""How much one caller may ask for in a day."""

from __future__ import annotations

from rest_framework.throttling import UserRateThrottle


class CreateThrottle(UserRateThrottle):
    """Submissions."""

    scope = "requestgroups.create"
    rate = "5000/day"


class BulkThrottle(UserRateThrottle):
    """Submissions of many groups at once."""

    scope = "requestgroups.bulk"
    rate = "500/day"


class ValidateThrottle(UserRateThrottle):
    """Validations."""

    scope = "requestgroups.validate"
    rate = "20000/day"


class CancelThrottle(UserRateThrottle):
    """Cancellations."""

    scope = "requestgroups.cancel"
    rate = "2000/day"
