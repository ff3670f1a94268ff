"""For any observatory: reading in what was written out changes nothing; whatever is wrong is named, all of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from armillary.configdb.document import DocumentError, as_plain_form, decode, read
from armillary.configdb.queries import export_observatory
from armillary.configdb.services import import_observatory

from .observatories import SPOILED, objects, observatories, without_links

_FEW = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking a whole observatory takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.django_db
@given(document=observatories())
@_FEW
def test_what_is_read_in_is_written_out_and_reading_it_again_changes_nothing(document: dict[str, Any]) -> None:
    with transaction.atomic():
        import_observatory(document)
        exported = export_observatory()
        again = import_observatory(json.loads(json.dumps(exported)))
        transaction.set_rollback(True)
    assert without_links(exported["results"]) == document["results"]
    assert (again.created, again.changed, again.absent) == ([], [], [])


@pytest.mark.django_db
@given(document=observatories())
@_FEW
def test_the_plain_form_reads_as_the_same_observatory_in_an_empty_database_and_in_its_own(
    document: dict[str, Any],
) -> None:
    text = as_plain_form(document["results"])
    with transaction.atomic():
        import_observatory(document)
        in_its_own = import_observatory(read(text))
        transaction.set_rollback(True)
    with transaction.atomic():
        import_observatory(read(text))
        exported = export_observatory()
        transaction.set_rollback(True)
    assert (in_its_own.created, in_its_own.changed, in_its_own.absent) == ([], [], [])
    assert without_ids(exported["results"]) == without_ids(document["results"])
    assert read(as_plain_form(exported["results"])).sites == read(text).sites


def without_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [without_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: without_ids(inner) for name, inner in without_links(value).items() if name != "id"}


@given(document=observatories(), data=st.data())
@settings(_FEW, max_examples=40)
def test_every_mistake_is_named_with_its_place_and_its_line(document: dict[str, Any], data: st.DataObject) -> None:
    spoilable = [
        (place, thing, name)
        for place, thing in objects(document["results"], ("results",))
        for name in SPOILED
        if name in thing
    ]
    chosen = data.draw(st.lists(st.sampled_from(spoilable), min_size=1, max_size=4, unique_by=lambda it: it[0]))
    expected = set()
    for place, thing, name in chosen:
        assume(all(place != (*other, inner)[: len(place)] for other, _, inner in chosen if other != place))
        assume(not any(place[: len(other) + 1] == (*other, inner) for other, _, inner in chosen))
        thing[name] = data.draw(st.sampled_from(SPOILED[name]))
        if name == "code" and thing[name] == "" and "state" in thing:
            thing[name] = None  # an instrument may go without a code
        expected.add((*place, name))
    with pytest.raises(DocumentError) as refusal:
        read(json.dumps(document, indent=1))
    named = {problem.path for problem in refusal.value.problems}
    for place in expected:
        assert path_words(place) in named
    assert all(problem.line is not None for problem in refusal.value.problems)
    with pytest.raises(DocumentError):
        decode(document)


def path_words(place: tuple[str | int, ...]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
