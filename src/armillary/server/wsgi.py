"""The application that a WSGI server serves."""

from __future__ import annotations

import gc
import os
from typing import Final

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "armillary.server.settings")

_OBJECTS_BETWEEN_COLLECTIONS: Final = 20_000
"""An answer about a few thousand requests makes some ten thousand, nearly all of which end with it."""


def _settle() -> None:
    """Load what the first call would load, and take it out of what the garbage collector looks through.

    Else it would look through some hundred thousand objects that live as long as the process, during any larger answer.
    """
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 10, 10)


application = get_wsgi_application()
_settle()
