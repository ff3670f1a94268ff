"""The change feed over HTTP, as server-sent events."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from armillary.configuration import configuration
from armillary.platform import changes
from armillary.platform.errors import Refusal
from armillary.platform.models import Change

Visible = Callable[[Request, Change], bool]

_LIFETIME_S: Final = 60.0
_HEARTBEAT_S: Final = 15.0
_POLL_S: Final = 1.0
_RECONNECT_MS: Final = 1000


@cache
def _places() -> threading.BoundedSemaphore:
    """Streams may hold at most half of the threads of this process; the other half answers everybody else."""
    return threading.BoundedSemaphore(max(1, configuration().server_threads // 2))


def event_stream(
    kinds: tuple[str, ...],
    *,
    permission_classes: Sequence[type[BasePermission]] = (IsAuthenticated,),
    authentication_classes: Sequence[type[BaseAuthentication]] | None = None,
    visible: Visible | None = None,
) -> Callable[..., HttpResponseBase]:
    """A view that streams changes of some kinds; put it into a component's ``urls.py``.

    A reader resumes with the header ``Last-Event-ID`` (browsers send it by themselves) or with ``?after=``; without
    either, the stream begins now. A stream ends after a minute of real time, so that no thread is held for ever and
    no revoked credential lives on; readers reconnect.

    Args:
        kinds: Prefixes of the kinds to send.
        permission_classes: Who may read.
        authentication_classes: How readers identify themselves; default: as everywhere in the API.
        visible: Whether this reader may see this change; default: every reader sees all.
    """
    attributes: dict[str, Any] = {
        "kinds": kinds,
        "visible": staticmethod(visible) if visible else None,
        "permission_classes": tuple(permission_classes),
    }
    if authentication_classes is not None:
        attributes["authentication_classes"] = tuple(authentication_classes)
    view: type[_EventStreamView] = type("EventStreamView", (_EventStreamView,), attributes)
    return view.as_view()


class _EventStreamView(APIView):
    schema = None  # OpenAPI has no words for an endless answer; docs/reference describes it
    kinds: tuple[str, ...] = ()
    visible: Visible | None = None

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:  # noqa: FBT001, FBT002  Django REST Framework's signature
        """Events are what there is; refusals are JSON."""
        del request, force
        return JSONRenderer(), "application/json"

    def get(self, request: Request) -> HttpResponseBase:
        cursor = request.headers.get("Last-Event-ID") or request.query_params.get("after")
        try:
            reset = bool(cursor) and not changes.is_known(cursor or "")
        except ValueError as error:
            raise Refusal({"after": [str(error)]}) from error
        if not _places().acquire(blocking=False):
            detail = "As many streams are open as this server can serve; please try again in a minute."
            return Response({"detail": detail}, status=503, headers={"Retry-After": "60"})
        stream = _Stream(request, self.kinds, self.visible, cursor=None if reset else cursor, reset=reset)
        response = StreamingHttpResponse(stream, content_type="text/event-stream")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"  # proxies: hand on every event at once
        response.headers["Content-Encoding"] = "identity"  # and no compression, which would hold events back
        return response


class _Stream(Iterator[bytes]):
    """The body of the answer: events as they come, a sign of life when none come."""

    def __init__(
        self, request: Request, kinds: tuple[str, ...], visible: Visible | None, *, cursor: str | None, reset: bool
    ) -> None:
        self._request = request
        self._kinds = kinds
        self._visible = visible
        self._cursor = cursor or changes.latest_cursor()
        self._ends = time.monotonic() + _LIFETIME_S
        self._waiting: deque[bytes] = deque([f"retry: {_RECONNECT_MS}\nid: {self._cursor}\n\n".encode()])
        self._closed = False
        if reset:
            body: dict[str, Any] = {"kind": changes.FEED_RESET, "key": "", "payload": {}, "at": None}
            self._waiting.append(_event(self._cursor, changes.FEED_RESET, body))

    def __next__(self) -> bytes:
        quiet_since = time.monotonic()
        while not self._waiting:
            moment = time.monotonic()
            if self._closed or moment >= self._ends:
                raise StopIteration
            if moment - quiet_since >= _HEARTBEAT_S:
                return b": still here\n\n"
            changes.wait_for_commit(_POLL_S)
            self._read()
        return self._waiting.popleft()

    def close(self) -> None:
        """Give the place back; the server calls this when the reader is gone."""
        if not self._closed:
            self._closed = True
            _places().release()

    def _read(self) -> None:
        for change in changes.changes_after(self._cursor, kinds=self._kinds):
            self._cursor = change.cursor
            if self._visible is None or self._visible(self._request, change):
                self._waiting.append(_event(change.cursor, change.kind, _body(change)))


def _body(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "key": change.key,
        "payload": change.payload,
        "at": change.created.isoformat().replace("+00:00", "Z"),
    }


def _event(cursor: str, kind: str, body: dict[str, Any]) -> bytes:
    return f"id: {cursor}\nevent: {kind}\ndata: {json.dumps(body)}\n\n".encode()
