"""What schedulers tell the portal, and what operators ask about the scheduler, over HTTP."""

from __future__ import annotations

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from armillary.accounts.permissions import IsStaff
from armillary.clock import now
from armillary.core.requests.instants import format_time
from armillary.portal.scheduling import queries, services


class SchedulerView(APIView):
    """The scheduler, as operators see it."""

    permission_classes = (IsStaff,)

    def get(self, request: Request) -> Response:
        """Who schedules, and how its last run went."""
        del request
        return Response(queries.scheduler_state(now()))


class LeaseView(APIView):
    """The right to publish plans."""

    permission_classes = (IsStaff,)

    def post(self, request: Request) -> Response:
        """Take, prolong or (for zero seconds) give back the lease."""
        lease = services.take_lease(request.data, now())
        return Response({"holder": lease.holder, "fence": lease.fence, "expires": format_time(lease.expires)})


class ReportView(APIView):
    """How a run went, and what became of each request."""

    permission_classes = (IsStaff,)

    def post(self, request: Request) -> Response:
        """Store the report; how many reasons were."""
        return Response({"stored": services.take_report(request.data)})


class ScheduleVersionsView(APIView):
    """Which versions the schedules are at."""

    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """By telescope; one that never had a schedule is at version 0 and left out."""
        del request
        return Response({"versions": queries.all_versions()})
