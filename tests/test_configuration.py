from __future__ import annotations

from pathlib import Path

import pytest

from armillary.configuration import Component, ConfigurationError, Mode, load

SECRET = "a secret of more than thirty-two characters"


def test_an_empty_environment_is_production_with_every_component() -> None:
    configuration = load({})
    assert configuration.mode is Mode.PRODUCTION
    assert configuration.components == frozenset(Component)
    assert configuration.secret_key is None


def test_a_misspelt_name_stops_the_start_and_names_the_nearest() -> None:
    with pytest.raises(
        ConfigurationError, match=r"ARMILLARY_PORTL_URL is not a setting.*did you mean ARMILLARY_PORTAL_URL"
    ):
        load({"ARMILLARY_PORTL_URL": "http://portal"})


def test_a_wrong_value_is_named_with_the_reason() -> None:
    with pytest.raises(ConfigurationError, match=r"ARMILLARY_SCHEDULER_HORIZON_DAYS: .*greater than 0"):
        load({"ARMILLARY_SCHEDULER_HORIZON_DAYS": "-1"})


def test_all_wrong_values_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"ARMILLARY_MODE": "prodution", "ARMILLARY_PORTAL_URL": "nonsense"})
    assert "ARMILLARY_MODE" in str(caught.value)
    assert "ARMILLARY_PORTAL_URL" in str(caught.value)


def test_a_short_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="32 characters") as caught:
        load({"ARMILLARY_SECRET_KEY": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_secret_is_not_shown_when_the_configuration_is_printed() -> None:
    assert SECRET not in repr(load({"ARMILLARY_SECRET_KEY": SECRET}))


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    secret = load({"ARMILLARY_SECRET_KEY_FILE": str(path)}).secret_key
    assert secret is not None
    assert secret.get_secret_value() == SECRET


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ARMILLARY_SECRET_KEY_FILE names"):
        load({"ARMILLARY_SECRET_KEY_FILE": str(tmp_path / "nowhere")})


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    path = tmp_path / "observatory.toml"
    path.write_text('organization_name = "From the file"\nmax_failures_per_request = 3\n')
    configuration = load(
        {"ARMILLARY_CONFIGURATION_FILE": str(path), "ARMILLARY_ORGANIZATION_NAME": "From the environment"}
    )
    assert configuration.organization_name == "From the environment"
    assert configuration.max_failures_per_request == 3


def test_a_misspelt_name_in_the_file_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "observatory.toml"
    path.write_text('organisation_name = "Misspelt"\n')
    with pytest.raises(ConfigurationError, match=r"organisation_name in .*did you mean ARMILLARY_ORGANIZATION_NAME"):
        load({"ARMILLARY_CONFIGURATION_FILE": str(path)})


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "observatory.toml"
    path.write_text("this is not toml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load({"ARMILLARY_CONFIGURATION_FILE": str(path)})


def test_components_are_separated_by_commas() -> None:
    configuration = load({"ARMILLARY_COMPONENTS": "archive, web"})
    assert configuration.components == {Component.ARCHIVE, Component.WEB}
    assert configuration.runs("archive")
    assert not configuration.runs(Component.PORTAL)


def test_an_unknown_component_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="'configdb', 'downtime', 'portal', 'archive' or 'web'"):
        load({"ARMILLARY_COMPONENTS": "archve"})


def test_no_component_at_all_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="components is empty"):
        load({"ARMILLARY_COMPONENTS": ","})


def test_a_lowest_priority_above_the_highest_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="min_ipp_value is larger"):
        load({"ARMILLARY_MIN_IPP_VALUE": "3"})


def test_the_database_is_a_file_in_the_data_directory_unless_named(tmp_path: Path) -> None:
    assert load({"ARMILLARY_DATA_DIRECTORY": str(tmp_path)}).effective_database_url == (
        f"sqlite:///{tmp_path}/armillary.sqlite3"
    )
    named = "postgresql://armillary@db/armillary"
    assert load({"ARMILLARY_DATABASE_URL": named}).effective_database_url == named


def test_a_secret_of_few_different_characters_is_refused_because_it_can_be_guessed() -> None:
    with pytest.raises(ConfigurationError, match="different characters"):
        load({"ARMILLARY_SECRET_KEY": "aab" * 20})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ARMILLARY_PUBLIC_URL", "http://observatory.example.org", "public_url is http.*https"),
        ("ARMILLARY_ALLOWED_HOSTS", "*", "name the hosts"),
        ("ARMILLARY_TRUSTED_ORIGINS", "*", "any page could act"),
        ("ARMILLARY_TRUSTED_ORIGINS", "https://tom.example.org,http://tom.example.org", "trusted_origins is http:"),
    ],
)
def test_an_insecure_address_stops_a_production_start_and_no_other(name: str, value: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        load({name: value})
    assert load({name: value, "ARMILLARY_MODE": "development"}).mode is Mode.DEVELOPMENT


def test_an_observatory_on_one_machine_needs_no_certificate() -> None:
    assert load({"ARMILLARY_PUBLIC_URL": "http://localhost:8000"}).is_production
