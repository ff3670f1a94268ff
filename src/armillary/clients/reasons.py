"""Why something is changed: a header that services keep in their histories."""

from __future__ import annotations

import string
from typing import Final
from urllib.parse import quote

_HEADER: Final = "X-Reason"
_AS_THEY_ARE: Final = "".join(set(string.printable) - set(string.whitespace) - {"%"}) + " "


def because(reason: str) -> dict[str, str]:
    """The header for a reason: one line; what is not ASCII is percent-encoded. Nothing, for no reason."""
    line = " ".join(reason.split())
    return {_HEADER: quote(line, safe=_AS_THEY_ARE)} if line else {}
