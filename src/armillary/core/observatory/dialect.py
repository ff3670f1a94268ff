"""The Cerberus dialect of validation schemas.

It is Cerberus 1.3 with three more rules that check nothing, but say how to show a field in a form: `label`,
`description` and `show`. Whoever applies a schema of the configuration database uses this class, or an equal one.
"""

from __future__ import annotations

from typing import Any, Self

import cerberus
from cerberus.schema import DefinitionSchema


class ConfigurationValidator(cerberus.Validator):  # type: ignore[misc]  # Cerberus publishes no types
    """Applies a schema: keys that it does not mention are allowed, defaults are filled in.

    Raises:
        cerberus.SchemaError: The schema itself is not one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_unknown", True)
        super().__init__(*args, **kwargs)

    def _validate_label(self, constraint: object, field: str, value: object) -> None:
        """A form's label.

        The rule's arguments are validated against this schema: {'nullable': True}
        """

    def _validate_description(self, constraint: object, field: str, value: object) -> None:
        """A form's help.

        The rule's arguments are validated against this schema: {'nullable': True}
        """

    def _validate_show(self, constraint: object, field: str, value: object) -> None:
        """Whether a form shows it.

        The rule's arguments are validated against this schema: {'nullable': True}
        """


class Definition(DefinitionSchema):  # type: ignore[misc]  # Cerberus publishes no types
    """A schema that was checked once, to apply again and again.

    Raises:
        cerberus.SchemaError: The schema itself is not one.
    """

    def copy(self) -> Self:
        """Another one with the same rules. Cerberus copies for every document; it would check the rules each time."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, schema=self.schema.copy())
        return twin
