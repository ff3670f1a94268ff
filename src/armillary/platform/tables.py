"""Tables that people send: comma- or semicolon-separated values, as text or as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers

_LARGEST_BYTES: Final = 2 * 1024 * 1024
_MOST_ROWS: Final = 2_000

Rows = list[dict[str, str]]


class TableField(serializers.Field[Rows, Any, Any, Any]):
    """Rows of a table with a line of names at its top; values are text without spaces around it.

    Args:
        columns: The names that there may be, in any order.
        required_columns: Those that must be there.
    """

    def __init__(self, *, columns: Sequence[str], required_columns: Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self._columns = columns
        self._required = required_columns

    def to_internal_value(self, data: Any) -> Rows:
        """The rows, in the order of the lines; empty ones at the end are left out."""
        reader = csv.reader(io.StringIO(_text(data), newline=""), dialect=_dialect(_text(data)), strict=True)
        try:
            header, *lines = [[cell.strip() for cell in line] for line in reader] or [[]]
        except csv.Error as error:
            raise serializers.ValidationError(f"Line {reader.line_num} is not readable: {error}.") from error
        self._check(header)
        if len(lines) > _MOST_ROWS:
            raise serializers.ValidationError(f"The table has {len(lines)} lines; send at most {_MOST_ROWS} at a time.")
        rows = []
        for number, line in enumerate(lines, start=2):
            if len(line) > len(header) or (any(line) and len(line) < len(header)):
                raise serializers.ValidationError(f"Line {number} has {len(line)} values for {len(header)} columns.")
            rows.append(dict(zip(header, line, strict=False)))
        while rows and not any(rows[-1].values()):
            rows.pop()
        if not rows:
            raise serializers.ValidationError("The table has no lines below its names.")
        return rows

    def to_representation(self, value: Rows) -> Any:
        """Never shown: this is for reading."""
        return value

    def _check(self, header: Sequence[str]) -> None:
        known = ", ".join(self._columns)
        if unknown := [name for name in header if name not in self._columns]:
            raise serializers.ValidationError(
                f"Unknown columns: {', '.join(unknown) or 'none'}. There may be: {known}."
            )
        if missing := [name for name in self._required if name not in header]:
            raise serializers.ValidationError(f"Missing columns: {', '.join(missing)}. There may be: {known}.")
        if len(set(header)) < len(header):
            raise serializers.ValidationError("A column is there twice.")


def _text(data: Any) -> str:
    if isinstance(data, UploadedFile):
        if (data.size or 0) > _LARGEST_BYTES:
            raise serializers.ValidationError(f"The file has more than {_LARGEST_BYTES // 2**20} MB.")
        data.seek(0)
        try:
            text: str = data.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise serializers.ValidationError("The file is not UTF-8 text; save it as CSV in UTF-8.") from error
        return text
    if not isinstance(data, str):
        raise serializers.ValidationError("Send the table as text or as a file.")
    if len(data) > _LARGEST_BYTES:
        raise serializers.ValidationError(f"The table has more than {_LARGEST_BYTES // 2**20} MB.")
    return data.removeprefix("\ufeff")


def _dialect(text: str) -> type[csv.Dialect]:
    """Commas or tabs or, from some spreadsheets, semicolons (then lists inside of cells must be quoted)."""
    names = text.partition("\n")[0]

    class Found(csv.excel):
        delimiter = max(",;\t", key=names.count)

    return Found
