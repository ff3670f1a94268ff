"""Two live observations never overlap on one telescope, whoever writes: PostgreSQL's exclusion constraint.

SQLite has no such constraint; there the services check and write in one serialised transaction.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class RunOnPostgreSQL(migrations.RunSQL):
    """SQL that only PostgreSQL understands; elsewhere nothing happens."""

    def database_forwards(self, app_label, schema_editor: BaseDatabaseSchemaEditor, from_state, to_state) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor: BaseDatabaseSchemaEditor, from_state, to_state) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    dependencies = [("armillary_portal", "0001_initial")]

    operations = [
        # A trusted extension since PostgreSQL 13: the owner of the database may create it.
        RunOnPostgreSQL("CREATE EXTENSION IF NOT EXISTS btree_gist", migrations.RunSQL.noop),
        RunOnPostgreSQL(
            """
            ALTER TABLE armillary_portal_observation ADD CONSTRAINT portal_observation_alone
            EXCLUDE USING gist (
                site WITH =, enclosure WITH =, telescope WITH =, tstzrange("start", "end", '[)') WITH &&
            ) WHERE (state IN ('PENDING', 'IN_PROGRESS') AND "end" > "start")
            """,
            "ALTER TABLE armillary_portal_observation DROP CONSTRAINT portal_observation_alone",
        ),
    ]
