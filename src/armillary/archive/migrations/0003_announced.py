from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("armillary_archive", "0002_occurring")]

    operations = [
        migrations.CreateModel(
            name="Announced",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("exchange", models.CharField(max_length=500, unique=True)),
                (
                    "cursor",
                    models.CharField(
                        help_text="the last line of the change feed that was handed over", max_length=64
                    ),
                ),
            ],
            options={"verbose_name_plural": "announced"},
        ),
    ]
