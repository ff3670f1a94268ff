"""Requests that may be repeated: the header ``Idempotency-Key`` on creating POSTs.

A client that did not get an answer sends the same request with the same key again; it is carried out once, and the
first answer is given again. The claim on a key is committed before the request is carried out. What ties it to the
effect is :func:`armillary.platform.claims.note_effect`, which :func:`armillary.platform.changes.record_change` calls
inside the transaction of the service: either the effect and its note are both there, or neither is. A request whose
process died before any effect may be carried out anew.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from django.db import IntegrityError, transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from armillary import clock
from armillary.platform.claims import Claim, running
from armillary.platform.models import IdempotencyKey
from armillary.platform.refusals import Conflict, Refusal

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
_ABANDONED_AFTER: Final = timedelta(minutes=5)
_SERVER_ERROR: Final = 500
_BAD_REQUEST: Final = 400

_P = ParamSpec("_P")
_V = TypeVar("_V", bound=APIView)


_Method = Callable[Concatenate[_V, Request, _P], Response]


def idempotent(method: _Method[_V, _P]) -> _Method[_V, _P]:
    """Let callers repeat a creating request: decorates ``create`` or ``post`` of a view.

    Raises:
        Conflict: The key was used with another body; or the first request is still running, or had its effect but left
            no answer.
    """

    def answer(view: _V, request: Request, /, *args: _P.args, **kwargs: _P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        if not key or not request.user.is_authenticated:
            return method(view, request, *args, **kwargs)
        if len(key) > IdempotencyKey.LONGEST_KEY:
            raise Refusal({HEADER: [f"Give at most {IdempotencyKey.LONGEST_KEY} characters."]})
        claim = _claim_or_replay(request, key)
        if isinstance(claim, Response):
            return claim
        with _holding(claim):
            response = method(view, request, *args, **kwargs)
        _settle(claim, response)
        return response

    functools.update_wrapper(answer, method)
    return answer


@contextmanager
def _holding(claim: Claim) -> Iterator[None]:
    token = running.set(claim)
    try:
        yield
    except BaseException:
        _release(claim)
        raise
    finally:
        running.reset(token)


def _claim_or_replay(request: Request, key: str) -> Claim | Response:
    scope = f"{request.user.pk} {request.method} {request.path}"[:320]
    fingerprint = _fingerprint(request.data)
    moment = clock.now()
    try:
        with transaction.atomic():
            row = IdempotencyKey.objects.create(scope=scope, key=key, fingerprint=fingerprint, created=moment)
    except IntegrityError:
        row = IdempotencyKey.objects.get(scope=scope, key=key)
        return _resume(row, fingerprint, moment)
    return Claim(row.pk, moment)


def _resume(row: IdempotencyKey, fingerprint: str, moment: datetime) -> Claim | Response:
    if row.fingerprint != fingerprint:
        raise Conflict(f"This {HEADER} was used for a request with another body; use a new key.")
    if row.status is not None:
        return Response(row.answer, status=row.status, headers={REPLAYED: "true"})
    if row.effect:
        raise Conflict(f"This request was carried out ({row.effect}), but its answer was lost; look for its result.")
    abandoned = moment - row.created > _ABANDONED_AFTER * max(1.0, clock.speed())
    if abandoned and IdempotencyKey.objects.filter(id=row.pk, created=row.created, effect="").update(created=moment):
        return Claim(row.pk, moment)
    raise Conflict("The first request with this key is still being carried out; ask again in a moment.")


def _settle(claim: Claim, response: Response) -> None:
    if response.status_code >= _BAD_REQUEST and _release(claim):
        return
    if response.status_code < _SERVER_ERROR:
        answer = json.loads(JSONRenderer().render(response.data) or b"null")
        mine = IdempotencyKey.objects.filter(id=claim.id, created=claim.created)
        mine.update(status=response.status_code, answer=answer)


def _release(claim: Claim) -> bool:
    """Let the request be tried again, unless it had its effect (which the database knows best)."""
    deleted, _ = IdempotencyKey.objects.filter(id=claim.id, created=claim.created, effect="").delete()
    return bool(deleted)


def _fingerprint(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
