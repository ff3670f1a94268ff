from __future__ import annotations

from armillary.cli.refusals import sentence_of


def test_nested_errors_name_the_field_they_belong_to() -> None:
    detail = {"requests": [{"windows": [{"end": ["is before the start"]}]}, {}], "non_field_errors": ["no time left"]}
    assert sentence_of(detail) == "requests.windows.end: is before the start; no time left"


def test_a_plain_sentence_stays_as_it_is() -> None:
    assert sentence_of("Semester 2027A lasts until July.") == "Semester 2027A lasts until July."
