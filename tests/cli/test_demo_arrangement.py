"""Where a demonstration keeps its data, and what another start of it may not change."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from armillary.cli.demo.databases import Arrangement, DatabaseRefused, PostgreSQL, settle
from armillary.cli.demo.installation import Installation
from armillary.cli.main import application

SERVER = os.environ.get("ARMILLARY_DATABASE_URL", "")
ADDRESS = "postgresql://vera:rubin@db.example:6432/postgres"


def _started(directory: Path, *, is_split: bool = False, database: str | None = None) -> Path:
    document = {"is_split": is_split, "database": database}
    (directory / "arrangement.json").write_text(json.dumps(document), encoding="utf-8")
    return directory


def test_the_first_start_gets_what_it_asks_for(tmp_path: Path) -> None:
    wanted = Arrangement(is_split=True, database=ADDRESS)
    assert settle(tmp_path, wanted) == wanted


def test_another_start_without_options_goes_on_with_the_same_database(tmp_path: Path) -> None:
    _started(tmp_path, database=ADDRESS)
    assert settle(tmp_path, Arrangement(is_split=False, database=None)).database == ADDRESS


def test_another_start_with_other_services_or_another_database_is_refused(tmp_path: Path) -> None:
    _started(tmp_path)
    with pytest.raises(DatabaseRefused, match="without --separate"):
        settle(tmp_path, Arrangement(is_split=True, database=None))
    with pytest.raises(DatabaseRefused, match="keeps its data elsewhere"):
        settle(tmp_path, Arrangement(is_split=False, database=ADDRESS))


def test_two_demonstrations_never_share_a_database(tmp_path: Path) -> None:
    one, other = PostgreSQL(ADDRESS, tmp_path / "one"), PostgreSQL(ADDRESS, tmp_path / "other")
    assert one.url("portal") != other.url("portal")
    assert one.url("portal") != one.url("archive")
    assert one.url("portal").startswith("postgresql://vera:rubin@db.example:6432/armillary_demo_")


def test_each_server_process_gets_its_own_database_and_clients_get_none(tmp_path: Path) -> None:
    installation = Installation(tmp_path, 8000, is_split=True, database=ADDRESS)
    addresses = {installation.environment(server)["ARMILLARY_DATABASE_URL"] for server in installation.servers}
    assert len(addresses) == 4
    assert "ARMILLARY_DATABASE_URL" not in installation.environment(None)


def test_an_address_with_a_password_is_kept_where_only_the_owner_can_read_it(tmp_path: Path) -> None:
    Installation(tmp_path, 8000).make_databases()
    assert (tmp_path / "arrangement.json").stat().st_mode & 0o077 == 0
    assert "rubin" not in repr(Installation(tmp_path, 8000, database=ADDRESS))


def test_a_server_that_is_not_postgresql_is_refused_with_what_would_be_accepted(tmp_path: Path) -> None:
    arguments = ["demo", "--directory", str(tmp_path), "--database", "mysql://root@localhost/x"]
    result = CliRunner().invoke(application, arguments)
    assert result.exit_code == 1
    assert "postgresql://user:password@host:port/database" in result.stderr


def test_fresh_removes_no_directory_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("forty-two", encoding="utf-8")
    result = CliRunner().invoke(application, ["demo", "--directory", str(tmp_path), "--fresh"])
    assert result.exit_code == 1
    assert "holds no demonstration" in result.stderr
    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.postgresql
@pytest.mark.skipif(not SERVER.startswith("postgresql"), reason="this run has no PostgreSQL server")
def test_databases_are_made_once_and_gone_when_the_demonstration_is_forgotten(tmp_path: Path) -> None:
    import psycopg

    place = tmp_path / "demo"
    place.mkdir()
    installation = Installation(place, 8000, database=SERVER)
    installation.make_databases()
    installation.make_databases()
    made = PostgreSQL(SERVER, place).url("observatory")
    with psycopg.connect(made) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    installation.forget()
    assert not place.exists()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(made)


@pytest.mark.postgresql
def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    arguments = ["demo", "--directory", str(tmp_path), "--database", "postgresql://vera:rubin@127.0.0.1:1/x"]
    result = CliRunner().invoke(application, arguments)
    assert result.exit_code == 1
    assert "127.0.0.1:1" in result.stderr
    assert "rubin" not in result.stderr
