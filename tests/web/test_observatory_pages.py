"""The observatory and its downtimes on pages: what there is, one click to change a state, declaring and withdrawing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from armillary.accounts.services import create_user
from armillary.configdb.models import Instrument, Telescope
from armillary.configdb.services import import_observatory
from armillary.downtime.models import Downtime

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _surroundings(set_clock: Callable[..., None], examples: Path) -> None:
    set_clock(NOW)
    import_observatory(json.loads((examples / "small_observatory.json").read_text(encoding="utf-8")))


def person(name: str, **rights: bool) -> Client:
    client = Client(headers={"accept": "text/html,*/*;q=0.8"})
    client.force_login(create_user(name, **rights))
    return client


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def test_everybody_sees_what_there_is_and_only_operators_see_the_buttons() -> None:
    instrument = Instrument.objects.order_by("id")[0]
    telescope = instrument.telescope
    visitor, operator = Client(), person("operator", is_staff=True)
    tree = text(visitor, "/observatory/")
    assert "exh.doma.0m6a" in tree
    assert "badge-SCHEDULABLE" in tree
    page = text(visitor, f"/observatory/instruments/{instrument.pk}/")
    for words in ("Full frame 1x1", "Bessell-V", "once per configuration", "exposure sequence", "14 s"):
        assert words in page.lower() or words in page
    assert "Change its state" not in page
    assert "Change its state" in text(operator, f"/observatory/instruments/{instrument.pk}/")
    assert "Lowest altitude" in text(visitor, f"/observatory/telescopes/{telescope.pk}/")
    assert visitor.get("/observatory/instruments/99999/").status_code == 404


def test_a_state_is_changed_in_one_click_with_a_reason_and_back_again() -> None:
    instrument = Instrument.objects.filter(state="SCHEDULABLE").order_by("id")[0]
    operator = person("operator", is_staff=True)
    address = f"/observatory/instruments/{instrument.pk}/"
    answer = operator.post(
        f"{address}state/", {"state": "MANUAL", "reason": "Verschluß klemmt, 50% offen"}, follow=True
    )
    page = answer.content.decode()
    assert "Verschluß klemmt, 50% offen" in page
    assert Instrument.objects.get(pk=instrument.pk).state == "MANUAL"
    first = Instrument.objects.get(pk=instrument.pk).history.earliest().pk
    operator.post(f"/observatory/instrument/{instrument.pk}/revert/{first}/")
    assert Instrument.objects.get(pk=instrument.pk).state == "SCHEDULABLE"


def test_what_the_service_refuses_the_page_refuses() -> None:
    instrument = Instrument.objects.order_by("id")[0]
    astronomer = person("kepler")
    answer = astronomer.post(f"/observatory/instruments/{instrument.pk}/state/", {"state": "MANUAL"})
    assert answer.status_code == 403
    assert Instrument.objects.get(pk=instrument.pk).state == instrument.state


def test_a_telescope_goes_out_of_service() -> None:
    telescope = Telescope.objects.order_by("id")[0]
    operator = person("operator", is_staff=True)
    operator.post(f"/observatory/telescopes/{telescope.pk}/service/", {"active": "false", "reason": "aluminising"})
    assert not Telescope.objects.get(pk=telescope.pk).active
    assert "out of service: telescope" in text(operator, "/observatory/")


def test_a_downtime_is_declared_seen_changed_and_withdrawn_on_pages() -> None:
    operator = person("operator", is_staff=True)
    form = {"place": "exh.doma.0m6a", "start": "2026-11-24T20:00", "end": "2026-11-24T22:00", "reason": "washing"}
    page = operator.post("/downtimes/declare/", form | {"recurrence": "FREQ=DAILY;COUNT=2"}, follow=True)
    assert page.content.decode().count("washing") >= 4  # twice in the line, twice in the calendar
    one, two = Downtime.objects.order_by("start")
    assert "washing" in text(Client(), f"/downtimes/{one.pk}/")
    changed = form | {"end": "2026-11-24T23:00", "why": "still wet", "instrument_type": ""}
    page = operator.post(f"/downtimes/{one.pk}/change/", changed, follow=True)
    assert "still wet" in page.content.decode()
    assert Downtime.objects.get(pk=one.pk).end.hour == 23
    operator.post(f"/downtimes/{two.pk}/change/", {"withdraw-series": "1"})
    assert not Downtime.objects.exists()


def test_a_wrong_downtime_is_refused_in_the_words_of_the_service() -> None:
    operator = person("operator", is_staff=True)
    form = {"place": "exh.doma.0m6a", "start": "2026-11-24T20:00", "end": "2026-11-24T19:00", "reason": "washing"}
    page = operator.post("/downtimes/declare/", form, follow=True).content.decode()
    assert "End time must be after start time" in page
    assert "December 2026" in text(operator, "/downtimes/?month=2026-12")
    assert "November 2026" in text(operator, "/downtimes/?month=nonsense")
