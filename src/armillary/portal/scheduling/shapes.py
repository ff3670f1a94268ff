"""What schedulers post; read with :func:`armillary.core.requests.submission.read`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from armillary.core.requests.model import Instant, Integer, Number, Text, WireObject

LONGEST_LEASE_S = 3_600.0


class LeaseWish(WireObject):
    """Who wants to publish plans, and for how long."""

    holder: Annotated[Text, Field(min_length=1, max_length=200)]
    seconds: Annotated[Number, Field(ge=0.0, le=LONGEST_LEASE_S)]


class RunReport(WireObject):
    """How a run of the scheduler went."""

    fence: Integer
    run: Annotated[Text, Field(max_length=100)]
    at: Instant
    state: Annotated[Text, Field(max_length=40)]
    sentence: Text
    reasons: list[Any] = []


class ReportedReason(WireObject):
    """Where a request is scheduled, or why it is not; everything else that is said about it is kept as it is."""

    request: Integer
    status: Annotated[Text, Field(max_length=40)]
    sentence: Text
