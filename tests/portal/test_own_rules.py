"""An observatory adds rules of its own by installing a package; every way in asks them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary.portal.surroundings import own_rules

pytestmark = pytest.mark.django_db

RULE = """
def no_globular_clusters(group, context):
    names = [item.target.name for request in group.requests for item in request.configurations if item.target]
    return {"non_field_errors": [f"No {names[0]} from here."]} if "M 15" in names and not context.is_staff else {}
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution with one rule, as an installer leaves it in a folder of the path."""
    facts = tmp_path / "our_observatory-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: our-observatory\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[armillary.request_rules]\nno_globular_clusters = our_observatory_rules:no_globular_clusters\n"
    )
    (tmp_path / "our_observatory_rules.py").write_text(RULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    own_rules.cache_clear()
    yield
    own_rules.cache_clear()


@pytest.mark.usefixtures("installed")
def test_an_installed_rule_holds_for_submission_validation_and_bulk(
    astronomer: APIClient, group: dict[str, Any]
) -> None:
    sentence = {"non_field_errors": ["No M 15 from here."]}
    answer = astronomer.post("/api/requestgroups/", group)
    assert (answer.status_code, answer.json()) == (400, sentence)
    assert astronomer.post("/api/requestgroups/validate/", group).json()["errors"] == sentence
    assert astronomer.post("/api/requestgroups/bulk/", [group]).json()["errors"] == {"0": sentence}
    group["requests"][0]["configurations"][0]["target"]["name"] = "M 2"
    assert astronomer.post("/api/requestgroups/", group).status_code == 201


def test_without_a_package_there_is_no_rule(astronomer: APIClient, group: dict[str, Any]) -> None:
    own_rules.cache_clear()
    assert astronomer.post("/api/requestgroups/", group).status_code == 201
