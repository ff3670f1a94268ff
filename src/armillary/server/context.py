from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from armillary.configuration import Mode, configuration


def installation(request: HttpRequest) -> dict[str, Any]:
    """What every template may say about this installation."""
    del request
    settings = configuration()
    return {"organization_name": settings.organization_name, "is_demo": settings.mode is Mode.DEMO}
