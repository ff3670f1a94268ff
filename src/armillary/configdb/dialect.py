"""The Cerberus dialect of validation schemas.

It is Cerberus 1.3 with three more rules that check nothing, but say how to show a field in a form: `label`,
`description` and `show`. Every consumer that applies a schema of the configuration database should use this class, or
an equal one.
"""

from __future__ import annotations

from typing import Any

import cerberus


class ConfigurationValidator(cerberus.Validator):  # type: ignore[misc]  # Cerberus publishes no types
    """Applies a schema: unknown fields are allowed, defaults are filled in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_unknown", True)
        super().__init__(*args, **kwargs)

    def _validate_label(self, label: str, field: str, value: Any) -> None:
        """{'type': 'string'}"""  # noqa: D415  Cerberus reads the rule's own schema here

    def _validate_description(self, description: str, field: str, value: Any) -> None:
        """{'type': 'string'}"""  # noqa: D415  Cerberus reads the rule's own schema here

    def _validate_show(self, show: bool, field: str, value: Any) -> None:  # noqa: FBT001  Cerberus's signature
        """{'type': 'boolean'}"""  # noqa: D415  Cerberus reads the rule's own schema here
