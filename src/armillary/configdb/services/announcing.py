from __future__ import annotations

import uuid
from typing import Any

from armillary import clock
from armillary.configdb.models import Revision
from armillary.platform.changes import record_change

_THE_ROW = 1


def announce_change(key: str, payload: dict[str, Any] | None = None) -> None:
    """Make every ETag stale and tell the change feed; call it inside the transaction that makes the change.

    Who writes rows past the services (a loader of recorded states) calls it too, or readers keep what they have.
    """
    Revision.objects.update_or_create(id=_THE_ROW, defaults={"value": uuid.uuid4().hex, "changed": clock.now()})
    record_change("configdb.changed", key, payload)
