from __future__ import annotations

from typing import Any

from django.db import migrations

_NAME = "archive_by_exposure"
_TABLE = "armillary_archive_frame"


def make_index(apps: Any, schema_editor: Any) -> None:
    """Frames by exposure time, those without one first: as they are listed.

    Where empty values stand is said in the index only on PostgreSQL. SQLite has them first anyway, and would refuse.
    """
    del apps
    nulls = " NULLS FIRST" if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"CREATE INDEX {_NAME} ON {_TABLE} (exposure_time ASC{nulls}, id DESC)")


def drop_index(apps: Any, schema_editor: Any) -> None:
    del apps
    schema_editor.execute(f"DROP INDEX {_NAME}")


class Migration(migrations.Migration):
    dependencies = [("armillary_archive", "0003_announced")]

    operations = [migrations.RunPython(make_index, drop_index)]
