"""Letters from templates, which an observatory can replace by its own.

A letter ``portal/calls/application_accepted`` is the template ``portal/calls/application_accepted.txt``: its first line
is the subject, the rest after one empty line is the text. A file of the same name in ``templates`` of the data
directory is used instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string

from armillary.configuration import configuration
from armillary.platform.outbox import queue_mail


def queue_letter(
    name: str,
    *,
    to: str | Sequence[str],
    context: Mapping[str, Any],
    key: str | None = None,
    unsubscribe_url: str = "",
) -> None:
    """Promise a letter, inside the transaction that gives the reason for it.

    Args:
        name: The template, without ``.txt``.
        to: One address or several.
        context: What the template may use, see :func:`rendered_letter`.
        key: Names the occasion; a second letter of the same key is not queued.
        unsubscribe_url: Where letters like this one are stopped; it is added below the text, whatever the template.

    Raises:
        ValueError: The template has no subject.
        TemplateDoesNotExist: There is no such letter.
    """
    subject, body = rendered_letter(name, context)
    if unsubscribe_url:
        body += f"\n-- \nFewer of these mails: {unsubscribe_url}\n"
    queue_mail(to=to, subject=subject, body=body, key=key, unsubscribe_url=unsubscribe_url)


def rendered_letter(name: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text of a letter.

    Args:
        name: The template, without ``.txt``.
        context: What the template may use, besides ``organization_name`` and ``base_url`` (no slash at the end).

    Raises:
        ValueError: The template has no subject.
        TemplateDoesNotExist: There is no such letter.
    """
    settings = configuration()
    common = {"organization_name": settings.organization_name, "base_url": str(settings.public_url).rstrip("/")}
    subject, _, body = render_to_string(f"{name}.txt", {**common, **context}).strip().partition("\n")
    if not subject or not body.strip():
        raise ValueError(f"the letter {name!r} needs a subject in its first line and a text below it")
    return subject.strip(), body.strip() + "\n"
