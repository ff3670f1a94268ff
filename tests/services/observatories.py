"""The observatories that come with the project, in a test's database without a third of a second each time."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, transaction

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def describe_observatory(name: str = "small_observatory") -> None:
    """Fill the configuration database with ``examples/NAME.json``.

    The first time, the importer does it; its rows are remembered and stored again as they were the next times.
    """
    from armillary.configdb.services.announcing import announce_change

    with transaction.atomic():
        for model, rows in _rows(name):
            model._base_manager.bulk_create(copy.deepcopy(rows), batch_size=200)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [model for model, _ in _rows(name)]):
                cursor.execute(statement)
        announce_change("import", {"action": "imported"})


@cache
def _rows(name: str) -> list[tuple[Any, list[Any]]]:
    from armillary.configdb.models import Revision
    from armillary.configdb.services import import_observatory

    component = apps.get_app_config(Revision._meta.app_label)
    models = [each for each in component.get_models(include_auto_created=True) if each is not Revision]
    with transaction.atomic():
        import_observatory(json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8")))
        rows = [(model, list(model._base_manager.all())) for model in models]
        transaction.set_rollback(True)
    return rows
