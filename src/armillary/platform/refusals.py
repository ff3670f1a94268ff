"""What services raise when they will not do what was asked.

They know no status codes; :mod:`armillary.platform.errors` turns them into answers. This module imports nothing of
Django REST Framework, which imports our authentication, which imports services, which import this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NestedErrors = str | list[Any] | Mapping[str, Any]


class Refusal(Exception):
    """What was asked breaks a rule; says which, and what would be accepted.

    Attributes:
        errors: Nested field errors (``{field: [sentence, ...]}``, lists of such, deeper objects), or one
            sentence about the whole.
    """

    def __init__(self, errors: NestedErrors) -> None:
        super().__init__(errors)
        self.errors = errors


class Conflict(Refusal):
    """What was asked contradicts what is already there, or what somebody else did meanwhile."""


class Forbidden(Exception):
    """The caller may not do this, whoever else may; the message says what would be needed."""


class PlainRefusal(Exception):
    """A refusal that the wire wants as plain text with status 400."""
