"""Calls made up by schemathesis from our own OpenAPI document: a bounded number for each operation, always the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from rest_framework.test import APIClient

_FAILURE = 500


def operations(prefix: str) -> list[Any]:
    """What the document says of addresses that begin so; a stream of events does not end, so it is left out."""
    from drf_spectacular.generators import SchemaGenerator

    document = SchemaGenerator().get_schema(request=None, public=True)
    schema = schemathesis.openapi.from_dict(document)
    found = [result.ok() for result in schema.get_all_operations()]
    return [it for it in found if it.path.startswith(prefix) and not it.path.endswith("/events/")]


def broken_promises(
    described: Iterable[Any], clients: Iterable[APIClient], things: Mapping[str, Any], *, examples: int
) -> Iterator[str]:
    """Calls that the document allows and that end in a failure, or in an answer that it does not name.

    Args:
        described: Operations.
        clients: Everybody who calls each of them.
        things: For the part of an address before a place in it, what to put there, so that something is found.
        examples: Calls of each operation by each client.
    """
    for operation in described:
        yield from sorted(_broken_by(operation, list(clients), things, examples))


def _broken_by(operation: Any, clients: list[APIClient], things: Mapping[str, Any], examples: int) -> set[str]:
    found: set[str] = set()
    documented = set(operation.definition.raw["responses"])

    @seed(20261123)
    @settings(
        max_examples=examples,
        deadline=None,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def probe(case: Any) -> None:
        for client in clients:
            status, path = _send(client, case, things)
            if status >= _FAILURE or str(status) not in documented:
                found.add(f"{case.method} {path} {case.query} {case.body!r}: {status}")

    probe()
    return found


def _send(client: APIClient, case: Any, things: Mapping[str, Any]) -> tuple[int, str]:
    path = case.path
    for name, value in (case.path_parameters or {}).items():
        collection = path.partition("{")[0]
        path = path.replace(f"{{{name}}}", str(things.get(collection, value)))
    query = {name: value for name, value in (case.query or {}).items() if value is not None}
    body = case.body if isinstance(case.body, (dict, list, str, int, float, bool)) else {}
    with transaction.atomic():
        if case.method.upper() == "GET":
            answer = client.get(path, query)
        else:
            answer = getattr(client, case.method.lower())(path, body, format="json")
        answer.close()  # files
        transaction.set_rollback(True)
    return answer.status_code, path
