"""How bodies of requests are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any, Final

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

_ESCAPED_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class UnicodeJsonParser(JSONParser):
    """JSON whose texts are Unicode.

    JSON may escape half of a pair of UTF-16 surrogates. Python reads that, but no database and no answer can hold it.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The content of a body.

        Raises:
            ParseError: It is not JSON, or a text in it is not Unicode.
        """
        body: bytes = stream.read()
        content = super().parse(BytesIO(body), media_type, parser_context)
        half = _lone_surrogate(content) if _ESCAPED_SURROGATE.search(body) else None
        if half is not None:
            raise ParseError(
                f"The text {half!a} holds half of a character (a lone UTF-16 surrogate), which cannot be stored."
            )
        return content


def _lone_surrogate(content: Any) -> str | None:
    """The first text with a lone surrogate; no recursion, for a body may be nested as deep as JSON can be."""
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if not item.isascii() and not _is_encodable(item):
                return item[:80]
        elif isinstance(item, dict):
            waiting += item.keys()
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return None


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
