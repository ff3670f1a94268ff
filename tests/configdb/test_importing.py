"""One file describes an observatory: what it may say, what it changes, and what happens when it is wrong."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from armillary.cli.main import application
from armillary.configdb.document import DocumentError, decode, read
from armillary.configdb.models import GenericMode, Instrument, Site, Telescope
from armillary.configdb.queries import export_observatory
from armillary.configdb.services import import_observatory

from .observatories import without_links

pytestmark = pytest.mark.django_db


def run(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(application, ["configdb", *words], input=given)


@pytest.fixture
def plain(examples: Path) -> str:
    """The observatory with one telescope, written by hand."""
    return (examples / "one_telescope.yaml").read_text()


@pytest.mark.parametrize("name", ["small_observatory", "network_observatory"])
def test_the_observatories_that_come_with_the_project_survive_the_round_trip_exactly(examples: Path, name: str) -> None:
    document = json.loads((examples / f"{name}.json").read_text())
    import_observatory(document)
    assert export_observatory()["results"] == document["results"]


def test_the_plain_form_says_the_same_as_what_it_is_expanded_to(plain: str) -> None:
    import_observatory(read(plain))
    exported = export_observatory()
    assert import_observatory(decode(exported)).changed == []
    telescope = exported["results"][0]["enclosure_set"][0]["telescope_set"][0]
    assert (telescope["lat"], telescope["long"], telescope["horizon"]) == (37.2236, -2.5464, 20.0)
    (instrument,) = telescope["instrument_set"]
    kind = instrument["instrument_type"]
    assert {group["type"]: group["default"] for group in kind["mode_types"]} == {
        "readout": "full",
        "guiding": "OFF",
        "acquisition": "OFF",
    }
    assert kind["default_configuration_type"] == "EXPOSE"
    assert instrument["science_cameras"][0]["camera_type"]["size"] == "60.6 x 40.5"
    assert exported["results"][0]["timezone"] == 1  # Madrid without summer time


def test_reading_the_plain_form_twice_changes_nothing_the_second_time(plain: str) -> None:
    import_observatory(read(plain))
    report = import_observatory(read(plain))
    assert (report.created, report.changed, report.absent) == ([], [], [])


def test_a_rehearsal_shows_the_difference_and_changes_nothing(plain: str) -> None:
    import_observatory(read(plain))
    edited = plain.replace("horizon: 20", "horizon: 25").replace("overhead: 3", "overhead: 4")
    report = import_observatory(read(edited), dry_run=True)
    assert report.changed == [
        "telescope hil.roof.0m4a (horizon: 20.0 → 25.0)",
        "generic mode full: Full frame (overhead: 3.0 → 4.0)",
    ] or sorted(report.changed) == sorted(
        ["telescope hil.roof.0m4a (horizon: 20.0 → 25.0)", "generic mode full: Full frame (overhead: 3.0 → 4.0)"]
    )
    assert Telescope.objects.get().horizon == 20.0
    assert GenericMode.objects.get(code="full").overhead == 3.0


def test_a_changed_mode_is_changed_and_not_made_a_second_time(plain: str) -> None:
    import_observatory(read(plain))
    before = GenericMode.objects.count()
    import_observatory(read(plain.replace("overhead: 3", "overhead: 4")))
    assert GenericMode.objects.count() == before
    assert GenericMode.objects.get(code="full").overhead == 4.0


def test_every_mistake_of_a_file_is_told_with_its_line(plain: str) -> None:
    wrong = plain
    for right, bad in (
        ("horizon: 20", "horizon: 95"),
        ("tz: Europe/Madrid", "tz: Europe/Madrd"),
        ("camera: main", "camera: mian"),
        ("aperture: 0.4", "aprture: 0.4"),
        ("default: rp", "default: gp"),
        ("pixels: [1280, 1024]", "pixels: 1280"),
    ):
        assert right in wrong
        wrong = wrong.replace(right, bad, 1)
    with pytest.raises(DocumentError) as refusal:
        read(wrong)
    lines = wrong.splitlines()
    told = [str(problem) for problem in refusal.value.problems]
    assert len(told) == 7  # the aperture is missing, and `aprture` is not known
    for problem in refusal.value.problems:
        assert problem.line is not None
        if "missing" not in problem.sentence:
            assert problem.path.rsplit(".", 1)[-1] in lines[problem.line - 1]
    assert any("did you mean aperture?" in sentence for sentence in told)
    assert any("known are main, guide" in sentence for sentence in told)


def test_a_key_that_stands_twice_is_a_mistake_and_not_the_last_one_wins() -> None:
    with pytest.raises(DocumentError, match=r"line 4: sites.*second time; see line 3"):
        read("sites:\n  - code: abc\n    tz: Etc/UTC\n    tz: Europe/Madrid\n")


def test_words_that_yaml_would_take_for_truth_or_time_are_words_here(plain: str) -> None:
    document = read(plain.replace("tz: Europe/Madrid", "restart: 11:00:00\n    tz: Europe/Madrid"))
    assert document.sites[0]["restart"] == "11:00:00"
    codes = [each["code"] for each in document.sites[0]["enclosure_set"][0]["telescope_set"][0]["instrument_set"][0][
        "instrument_type"]["mode_types"][1]["modes"]]  # fmt: skip
    assert codes == ["OFF", "ON"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1: is not JSON"),
        ("sites: [", "is not YAML"),
        ("sites: &x [*x]", "contains itself"),
        ("just words", "describes no observatory"),
        ("", "describes no observatory"),
        ('{"results": 3}', "describes no observatory"),
        ("sites: {}", "must be a list"),
        ("sites: [1]", "must be an object"),
        ("!!python/object/apply:os.system [ls]", "is not"),
    ],
)
def test_what_is_no_observatory_at_all_is_refused_with_a_sentence(text: str, words: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        read(text)
    assert words in str(refusal.value)


def test_a_wrong_document_changes_nothing(small_document: dict[str, Any]) -> None:
    document = json.loads(json.dumps(small_document))
    telescope = document["results"][0]["enclosure_set"][-1]["telescope_set"][-1]
    telescope["instrument_set"][-1]["state"] = "BROKEN"
    with pytest.raises(DocumentError):
        import_observatory(document)
    assert not Site.objects.exists()


def test_the_same_thing_described_in_two_ways_is_refused(network_document: dict[str, Any]) -> None:
    document = json.loads(json.dumps(network_document))
    kinds = [
        instrument["instrument_type"]
        for site in document["results"]
        for enclosure in site["enclosure_set"]
        for telescope in enclosure["telescope_set"]
        for instrument in telescope["instrument_set"]
    ]
    one = next(kind for kind in kinds if sum(kind["code"] == each["code"] for each in kinds) > 1)
    one["observation_front_padding"] += 1
    with pytest.raises(DocumentError, match="described twice, and differently"):
        decode(document)


def test_what_the_file_does_not_name_is_left_alone_and_told(small: None, plain: str) -> None:  # noqa: ARG001
    before = Site.objects.count()
    report = import_observatory(read(plain))
    assert Site.objects.count() == before + 1
    assert "site exh" in report.absent


def test_an_instrument_type_that_no_request_could_use_is_doubted(small_document: dict[str, Any]) -> None:
    document = json.loads(json.dumps(small_document).replace('"type": "readout"', '"type": "stray"'))
    (doubt, *_) = import_observatory(document).doubts
    assert "no readout modes" in doubt


def test_the_history_says_that_an_import_did_it(plain: str) -> None:
    import_observatory(read(plain))
    assert Instrument.objects.get().history.get().history_change_reason == "import"


def test_the_command_reads_from_standard_input_and_writes_to_a_file(plain: str, tmp_path: Path) -> None:
    assert "created: site hil" in run("import", "-", given=plain).output
    out = tmp_path / "all.json"
    assert run("export", "--out", str(out)).exit_code == 0
    assert json.loads(out.read_text())["results"][0]["code"] == "hil"
    assert "0 created, 0 changed" in run("import", str(out)).output


@pytest.mark.parametrize("name", ["small_observatory.json", "network_observatory.json"])
def test_an_observatory_written_for_people_reads_as_what_it_was(name: str, examples: Path, tmp_path: Path) -> None:
    run("import", str(examples / name))
    out = tmp_path / "all.yaml"
    assert run("export", "--form", "plain", "--out", str(out)).exit_code == 0
    assert out.stat().st_size < (examples / name).stat().st_size / 2
    assert "0 created, 0 changed" in run("import", str(out)).output


def test_what_is_said_to_be_none_is_not_filled_in(plain: str) -> None:
    without = plain.replace("\n    modes:\n", "\n    default_configuration_type:\n    modes:\n      acquisition:\n")
    import_observatory(read(without.replace("[EXPOSE, REPEAT_EXPOSE, AUTO_FOCUS, SKY_FLAT, BIAS, DARK]", "[]")))
    kind = export_observatory()["results"][0]["enclosure_set"][0]["telescope_set"][0]["instrument_set"][0]
    assert [each["type"] for each in kind["instrument_type"]["mode_types"]] == ["readout", "guiding"]
    assert kind["instrument_type"]["configuration_types"] == []
    assert kind["instrument_type"]["default_configuration_type"] is None


def test_the_command_tells_every_mistake_and_fails(plain: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(plain.replace("horizon: 20", "horizon: 95").replace("elevation: 2150", "elevation: high"))
    result = run("import", str(path))
    assert result.exit_code != 0
    assert "line 13: sites[0].elevation" in result.output
    assert "2 mistakes; nothing was changed" in " ".join(result.output.split())


def test_a_new_observatory_is_asked_for_written_and_can_be_read_in(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    answers = [
        'Bob\'s hill: "dark" #1',
        "bob",
        "51.5",
        "-0.12",
        "30",
        "Europe/London",
        "0.35",
        "1024x768",
        "0.9",
        "R, G, B",
    ]
    result = run("new", str(path), given="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    document = read(path.read_text())
    assert document.sites[0]["name"] == answers[0]
    assert document.doubts == ()
    import_observatory(document)
    assert str(Instrument.objects.get()) == "bob.dome.0m4a.cam1"
    again = run("new", str(path), given="\n".join(answers) + "\n")
    assert again.exit_code != 0


def test_a_new_observatory_with_unusable_answers_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    words = "--name X --site long --latitude 95 --longitude 0 --elevation 0 --time-zone Mars --aperture 1 --pixels 9x9"
    result = run("new", str(path), *words.split(), "--pixel-scale", "1", "--filters", "clear")
    assert result.exit_code != 0
    assert not path.exists()
    for word in ("code", "lat", "tz"):
        assert word in result.output


def test_the_export_is_what_the_service_answers(small: None) -> None:  # noqa: ARG001
    from rest_framework.test import APIClient

    answer = APIClient().get("/configdb/sites/").json()
    exported = json.load(io.StringIO(json.dumps(export_observatory())))
    assert without_links(answer["results"]) == without_links(exported["results"])
