from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import Min

COLUMNS = (
    "site_id", "telescope_id", "primary_optical_element", "instrument_id", "configuration_type", "proposal_id",
)  # fmt: skip


def list_what_occurs(apps: Any, schema_editor: Any) -> None:
    """The frames that are there already contribute to the list too."""
    del schema_editor
    frames = apps.get_model("armillary_archive", "Frame").objects
    entries = apps.get_model("armillary_archive", "OccurringValue")
    for column in COLUMNS:
        listed = frames.filter(has_versions=True, observation_date__isnull=False).exclude(**{column: ""}).order_by()
        rows = listed.values(column, "proposal_id").annotate(earliest=Min("public_date"))
        entries.objects.bulk_create(
            [
                entries(
                    column=column, value=row[column], proposal_id=row["proposal_id"], public_from=row["earliest"]
                )
                for row in rows
            ],
            batch_size=1000,
        )


class Migration(migrations.Migration):
    dependencies = [("armillary_archive", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="OccurringValue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("column", models.CharField(help_text="the frame's column: site_id, proposal_id, ...", max_length=40)),
                ("value", models.CharField(max_length=200)),
                ("proposal_id", models.CharField(blank=True, max_length=200)),
                (
                    "public_from",
                    models.DateTimeField(
                        help_text="when the first frame with it becomes public; empty: never", null=True
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["proposal_id", "value", "column"], name="archive_occurs_once")
                ]
            },
        ),
        migrations.RemoveIndex(model_name="frame", name="archive_by_date"),
        migrations.AddIndex(
            model_name="frame",
            index=models.Index(
                fields=["-observation_date", "-id", "has_versions", "public_date", "proposal_id"], name="archive_listed"
            ),
        ),
        migrations.RunPython(list_what_occurs, migrations.RunPython.noop),
    ]
