"""Whatever is sent to the portal's API: no answer is a bug (5xx), and none is missing in the OpenAPI document.

schemathesis makes calls from the document itself. The run is bounded: a few calls of each kind for every operation.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from .conftest import NIGHT, wish

pytestmark = pytest.mark.django_db

OWN = ("requestgroups", "requests", "configurations", "drafts", "observations", "schedule", "configurationstatus",
       "realtime", "last_changed", "last_scheduled", "instruments", "airmass", "telescope_states",
       "telescope_availability", "contention", "pressure", "subscriptions", "semesters", "proposals", "memberships",
       "invitations")  # fmt: skip
CALLS_PER_OPERATION = 3


def document() -> dict[str, Any]:
    """The OpenAPI document, with the paths of the portal that this module is about."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found["paths"] = {
        path: item for path, item in found["paths"].items() if path.startswith("/api/") and path.split("/")[2] in OWN
    }
    return found


def operations() -> list[Any]:
    """Everything that can be asked."""
    schema = schemathesis.openapi.from_dict(document())
    return [result.ok() for result in schema.get_all_operations()]


def answered(client: APIClient, case: Any) -> Any:
    """Send a generated call with the test client, in the test's own transaction."""
    sent = case.as_transport_kwargs(base_url="http://testserver")
    body: dict[str, Any] = {}
    if "json" in sent:
        body = {"data": sent["json"], "format": "json"}
    elif sent.get("data") is not None:
        body = {"data": sent["data"], "format": "multipart"}
    address = sent["url"].removeprefix("http://testserver")
    call = getattr(client, case.method.lower())
    return call(address, **body, query_params=sent.get("params") or {})


@pytest.mark.parametrize("who", ["operator", "astronomer"])
def test_no_answer_is_a_bug_and_none_is_undocumented(
    who: str, request: pytest.FixtureRequest, submitted: dict[str, Any]
) -> None:
    client: APIClient = request.getfixturevalue(who)
    client.raise_request_exception = False
    request.getfixturevalue("operator").post("/api/observations/", wish(submitted, NIGHT))
    found = [sentence for operation in operations() for sentence in mistakes(client, operation)]
    assert not found, "\n".join(found)


def mistakes(client: APIClient, operation: Any) -> list[str]:
    """What is wrong with the answers to a few calls of an operation."""
    documented = {str(code) for code in operation.definition.raw["responses"]}
    found: dict[int, str] = {}

    @settings(
        max_examples=CALLS_PER_OPERATION,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), real=st.booleans())
    def check(case: Any, real: bool) -> None:
        if real and "id" in case.path_parameters:
            case.path_parameters["id"] = 1  # what is there, too, and not only what is not
        with transaction.atomic():
            answer = answered(client, case)
            transaction.set_rollback(True)
        code = answer.status_code
        if (code >= 500 and code != 503) or str(code) not in documented:
            found[code] = f"{code} {answer.content[:300]!r} to {case.as_curl_command()[:600]}"

    check()
    return list(found.values())
