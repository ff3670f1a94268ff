"""Loads recorded states of the reference's database past the services: they break rules that only we have."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import models, transaction

from armillary.accounts.models import User
from armillary.accounts.services import create_user
from armillary.configdb.models import RESOURCES, Resource
from armillary.configdb.services import announce_change
from armillary.configdb.services.members import store_members

RECORDED = Path(__file__).parent / "recorded"
_MODELS: dict[str, type[Resource]] = {str(model._meta.model_name): model for model in RESOURCES}


def load_state(name: str) -> None:
    """Make the database hold a recorded state. Whoever had an account could write: here that needs staff rights."""
    rows = json.loads(gzip.decompress((RECORDED / "states" / f"{name}.json.gz").read_bytes()))
    with transaction.atomic():
        for model in reversed(RESOURCES):
            model.history.all().delete()
            model._default_manager.all().delete()
            model.history.all().delete()
        User.objects.all().delete()
        for row in rows:
            _load(row["model"], row["pk"], row["fields"])
        _load_versions(rows)
        announce_change("recorded state")


def _load(label: str, key: Any, fields: dict[str, Any]) -> None:
    application, name = label.split(".")
    if label == "auth.user":
        create_user(fields["username"], is_staff=True)
    elif application == "hardware":
        model = _MODELS[name]
        thing = model(**{model._meta.pk.attname: key}, **_columns(model, fields))
        thing.save_base(raw=True, force_insert=True)
        for relation in model.MEMBERS:
            related = model._meta.get_field(relation).related_model
            found = related.objects.in_bulk(fields[relation])
            store_members(thing, relation, [found[each] for each in fields[relation]])


def _columns(model: type[Resource], fields: dict[str, Any]) -> dict[str, Any]:
    columns = {}
    for field in model._meta.concrete_fields:
        if field.name in fields and not field.primary_key:
            columns[field.attname if isinstance(field, models.ForeignKey) else field.name] = fields[field.name]
    return columns


def _load_versions(rows: Iterable[dict[str, Any]]) -> None:
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if row["model"] != "reversion.version":
            continue
        (recorded,) = json.loads(row["fields"]["serialized_data"])
        model = _MODELS[recorded["model"].split(".")[1]]
        key = (recorded["model"], str(recorded["pk"]))
        model.history.create(
            **{model._meta.pk.attname: recorded["pk"]},
            **_columns(model, recorded["fields"]),
            history_date=datetime.fromisoformat(recorded["fields"]["modified"]),
            history_type="~" if key in seen else "+",
        )
        seen.add(key)
