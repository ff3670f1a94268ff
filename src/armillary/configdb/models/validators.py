"""What a single value must be like; one definition for the API, the admin pages and imported files."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Any, Final

import cerberus
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator

from armillary.core.observatory.dialect import ConfigurationValidator

# Consumers split `site.enclosure.telescope.instrument` at its dots, and codes stand in addresses.
validate_code: Final = RegexValidator(
    r"\A[^\s./]+\Z", "A code is not empty and holds no dot, slash or white space (programs join codes with dots)."
)
validate_optional_code: Final = RegexValidator(
    r"\A[^\s./]*\Z", "A code holds no dot, slash or white space (programs join codes with dots)."
)
validate_group_type: Final = RegexValidator(
    r"\A\S+s\Z", "A group type is a plural that ends in s, such as filters: requests name the element by its singular."
)

NOT_NEGATIVE: Final = (MinValueValidator(0.0),)


def between(lowest: float, highest: float) -> tuple[MinValueValidator, MaxValueValidator]:
    """Both bounds are accepted values."""
    return MinValueValidator(lowest), MaxValueValidator(highest)


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def validate_time_zone(name: str) -> None:
    """Refuse what is not in the IANA time zone database."""
    if name not in _time_zones():
        raise ValidationError(f"{name!r} is not an IANA time zone name, such as Etc/UTC or Europe/Madrid.")


def validate_schema(schema: Any) -> None:
    """Refuse rules that the portal could not apply to a request."""
    if not isinstance(schema, dict):
        raise ValidationError("Give an object of Cerberus rules: {field: {rule: value}}; {} for no rules.")
    for field, rules in schema.items():
        if not isinstance(rules, dict):
            raise ValidationError(f"The rules of {field!r} must be an object: {{rule: value}}.")
    try:
        ConfigurationValidator(schema)
    except (cerberus.SchemaError, RecursionError) as error:
        raise ValidationError(f"These rules do not compile: {error}") from error
    except Exception as error:  # Cerberus takes much for granted of what it compiles: it fails in many ways
        raise ValidationError(f"These rules do not compile: {type(error).__name__}: {error}") from error
