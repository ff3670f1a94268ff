"""Is this server able to work?"""

from __future__ import annotations

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from armillary.platform.models import Change

logger = structlog.get_logger(__name__)


@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database answers and has our tables, otherwise 503."""
    del request
    try:
        Change.objects.order_by().exists()
    except DatabaseError as error:
        logger.warning("unhealthy", error=str(error))
        return JsonResponse({"status": "failing", "database": "unreachable or not migrated"}, status=503)
    return JsonResponse({"status": "ok", "database": "ok"})
