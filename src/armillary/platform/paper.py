"""Pages on paper: templates as PDF (WeasyPrint)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string

from armillary.configuration import configuration


def printed(template: str, context: Mapping[str, Any]) -> bytes:
    """A template as PDF.

    Args:
        template: An HTML template that brings its own styles.
        context: What it may use, besides ``organization_name``.
    """
    from weasyprint import HTML  # a second to import: paper is rare

    text = render_to_string(template, {"organization_name": configuration().organization_name, **context})
    pdf: bytes = HTML(string=text, url_fetcher=_nothing_else).write_pdf()
    return pdf


def _nothing_else(url: str, *_: Any, **__: Any) -> Any:
    """What people have written must not make the server read files or call addresses."""
    raise ValueError(f"what is printed cannot refer to {url}")
