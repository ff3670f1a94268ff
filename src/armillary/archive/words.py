"""Texts as they are compared."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """A text in ASCII, as FITS headers hold it: accents are dropped, other letters become ``?``."""
    decomposed = unicodedata.normalize("NFKD", text)
    kept = "".join(character for character in decomposed if not unicodedata.combining(character))
    return kept.encode("ascii", "replace").decode()


def without_controls(text: str) -> str:
    """A text without control characters, which FITS forbids and databases refuse."""
    if text.isprintable():
        return text
    return "".join(character for character in text if character.isprintable())
