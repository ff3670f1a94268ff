"""Creating, changing and deleting one thing. A change touches what it names, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import Http404

from armillary.configdb import rules
from armillary.configdb.models import ConfigurationType, ConfigurationTypeProperties, InstrumentType, Resource
from armillary.configdb.services.announcing import announce_change
from armillary.configdb.services.members import Wanted, current_members, resolve, store_members
from armillary.configdb.services.recording import NOBODY, Authorship, record
from armillary.platform.database import retry_conflicts, serialised
from armillary.platform.errors import Conflict, Refusal
from armillary.platform.history import sign

LOCK = "configdb"
"""Writers of the configuration take turns: its rules are about several things at once."""

R = TypeVar("R", bound=Resource)
Precondition = Callable[[Resource], None]
Values = Mapping[str, Any]


@retry_conflicts()
def create(
    model: type[R], values: Values, *, members: Mapping[str, Wanted] | None = None, by: Authorship = NOBODY
) -> R:
    """Make a new thing.

    Args:
        model: What it is.
        values: Its fields; for an instrument type also ``configuration_types``, a list of entries.
        members: Its ordered relations, by name: objects, or nested entries that are found or made.
        by: Who does it, and why.

    Raises:
        Refusal: A rule is broken; the errors are by field.
    """
    with transaction.atomic():
        serialised(LOCK)
        fields, parts = _separated(model, values)
        default = fields.pop("default", None)
        thing = model(**fields)
        wanted = {name: resolve(thing, name, (members or {}).get(name, ()), by) for name in model.MEMBERS}
        if default:
            setattr(thing, "default", _member_of_code(default, wanted))  # noqa: B010  only groups have one
        _check(thing, wanted)
        thing.save(force_insert=True)
        _store(thing, wanted, parts, by)
        record(thing, "+", by)
        announce_change(f"{model.resource_name()}/{thing.pk}", {"action": "created", "name": str(thing)})
    return thing


@retry_conflicts()
def update(
    model: type[R],
    key: object,
    values: Values,
    *,
    members: Mapping[str, Wanted] | None = None,
    by: Authorship = NOBODY,
    precondition: Precondition | None = None,
) -> R:
    """Change what is named of a thing; what is not named stays as somebody else may just have made it.

    Raises:
        Http404: There is no such thing.
        Refusal: A rule is broken; the errors are by field.
    """
    with transaction.atomic():
        serialised(LOCK)
        thing = _get(model, key, precondition)
        fields, parts = _separated(model, values)
        _refuse_new_key(thing, fields)
        named = members or {}
        before = {name: current_members(thing, name) for name in model.MEMBERS}
        wanted = {name: resolve(thing, name, named[name], by) for name in model.MEMBERS if name in named}
        _follow_default(thing, fields, before | wanted)
        changed = [name for name, value in fields.items() if getattr(thing, name) != value]
        for name in changed:
            setattr(thing, name, fields[name])
        _check(thing, before | wanted)
        moved = {name: each for name, each in wanted.items() if each != before[name]}
        if changed:
            thing.save(update_fields=changed)
        parts_changed = _store(thing, moved, parts, by)
        if changed or moved or parts_changed:
            record(thing, "~", by)
            announce_change(f"{model.resource_name()}/{thing.pk}", {"action": "changed", "name": str(thing)})
    return thing


@retry_conflicts()
def delete(model: type[R], key: object, *, by: Authorship = NOBODY, precondition: Precondition | None = None) -> None:
    """Remove a thing that nothing uses, with the parts that are its own.

    Raises:
        Http404: There is no such thing.
        Conflict: It is in use; the errors list by what.
    """
    with transaction.atomic():
        serialised(LOCK)
        thing = _get(model, key, precondition)
        users = users_of(thing)
        if users:
            raise Conflict(_in_use(thing, users))
        name, identifier = str(thing), thing.pk
        if isinstance(thing, ConfigurationTypeProperties):
            _refuse_to_take_default(thing)
        sign(thing, by.user, by.reason)
        thing.delete()
        announce_change(f"{model.resource_name()}/{identifier}", {"action": "deleted", "name": name})


def users_of(thing: Resource) -> list[Resource]:
    """What could not exist as it is without this thing, in a stable order; its own parts are not counted."""
    users: dict[tuple[str, object], Resource] = {}
    for relation in thing._meta.related_objects:  # noqa: SLF001  Django's public metadata
        if getattr(relation, "on_delete", None) is not models.PROTECT:
            continue
        for row in relation.related_model._default_manager.filter(**{relation.field.name: thing}):  # noqa: SLF001  the same
            user = row if isinstance(row, Resource) else _owner(row, relation.field.name)
            users[user.resource_name(), user.pk] = user
    return [users[key] for key in sorted(users, key=lambda key: (key[0], str(users[key])))]


def _owner(membership: models.Model, member: str) -> Resource:
    for field in membership._meta.fields:  # noqa: SLF001  Django's public metadata
        if isinstance(field, models.ForeignKey) and field.name != member:
            owner = getattr(membership, field.name)
            if isinstance(owner, Resource):
                return owner
    raise TypeError(f"{membership!r} belongs to nothing")  # a table without an owner would be a mistake in models.py


def _in_use(thing: Resource, users: Sequence[Resource]) -> dict[str, Any]:
    kind = thing._meta.verbose_name  # noqa: SLF001  Django's public metadata
    names = ", ".join(f"{user._meta.verbose_name} {user}" for user in users[:10])  # noqa: SLF001  the same
    more = f" and {len(users) - 10} more" if len(users) > 10 else ""
    return {
        "detail": f"The {kind} {thing} is in use by {names}{more}; change or delete these first.",
        "used_by": [{"resource": user.resource_name(), "key": user.pk, "name": str(user)} for user in users],
    }


def _get(model: type[R], key: object, precondition: Precondition | None) -> R:
    thing = model.with_key(key).select_for_update().first()
    if thing is None:
        raise Http404(f"No {model._meta.object_name} matches the given query.")  # noqa: SLF001  Django's public metadata
    if precondition is not None:
        precondition(thing)
    return thing


def _separated(model: type[Resource], values: Values) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    fields = dict(values)
    parts = fields.pop("configuration_types", None) if model is InstrumentType else None
    return fields, parts


def _refuse_new_key(thing: Resource, fields: dict[str, Any]) -> None:
    key = thing._meta.pk.name  # noqa: SLF001  Django's public metadata
    if key in fields and fields[key] != thing.pk:
        sentence = f"This is the key, and stays {thing.pk!r}; create another one and let its users name that."
        raise Refusal({key: [sentence]})


def _follow_default(thing: Resource, fields: dict[str, Any], members: Mapping[str, Sequence[Resource]]) -> None:
    """A default is named by its code and looked up among the members that will be.

    When members are replaced, the default follows to the new member of the same code.
    """
    present = getattr(thing, "default", None)
    if "default" in fields:
        fields["default"] = _member_of_code(fields["default"], members) if fields["default"] else None
    elif present is not None and not any(present in each for each in members.values()):
        fields["default"] = _member_of_code(present.code, members)


def _member_of_code(code: str, members: Mapping[str, Sequence[Resource]]) -> Resource:
    candidates: list[Any] = [member for each in members.values() for member in each]
    for candidate in candidates:
        if candidate.code == code:
            return cast("Resource", candidate)
    problem = rules.default_problem(code, [candidate.code for candidate in candidates], "members")
    raise Refusal({"default": [problem]})


def _check(thing: Resource, members: Mapping[str, Sequence[Resource]]) -> None:
    errors: dict[str, Any] = {}
    try:
        thing.full_clean()
    except ValidationError as error:
        errors.update(
            {"non_field_errors" if field == "__all__" else field: texts for field, texts in error.message_dict.items()}
        )
    errors |= rules.broken_rules(thing, members)
    if errors:
        raise Refusal(errors)


def _store(
    thing: Resource,
    members: Mapping[str, Sequence[Resource]],
    parts: list[dict[str, Any]] | None,
    by: Authorship,
) -> bool:
    for name, each in members.items():
        store_members(thing, name, each)
    changed = False
    if isinstance(thing, InstrumentType):
        changed = parts is not None and _store_configuration_types(thing, parts, by)
        _check_default_configuration_type(thing)
    elif isinstance(thing, ConfigurationTypeProperties):
        _check_default_configuration_type(thing.instrument_type)
    return changed


def _store_configuration_types(thing: InstrumentType, entries: list[dict[str, Any]], by: Authorship) -> bool:
    """Make these the configuration types of this instrument type; nobody else's rows are touched."""
    codes = [entry["configuration_type"].pk for entry in entries]
    twice = rules.repetition_problem(codes, "configuration types")
    if twice:
        raise Refusal({"configuration_types": [twice]})
    existing = {row.configuration_type_id: row for row in thing.configuration_types.all()}
    changed = False
    for code, row in existing.items():
        if code not in codes:
            sign(row, by.user, by.reason)
            row.delete()
            changed = True
    for entry in entries:
        changed |= _store_properties(thing, existing.get(entry["configuration_type"].pk), entry, by)
    return changed


def _store_properties(
    thing: InstrumentType, row: ConfigurationTypeProperties | None, entry: dict[str, Any], by: Authorship
) -> bool:
    kind: ConfigurationType = entry["configuration_type"]
    is_new = row is None
    row = row or ConfigurationTypeProperties(instrument_type=thing, configuration_type=kind)
    changes = {name: value for name, value in entry.items() if getattr(row, name) != value}
    for name, value in changes.items():
        setattr(row, name, value)
    if not (is_new or changes):
        return False
    try:
        row.full_clean()
    except ValidationError as error:
        raise Refusal({"configuration_types": [{"configuration_type": [kind.pk], **error.message_dict}]}) from error
    row.save()
    record(row, "+" if is_new else "~", by)
    return True


def _check_default_configuration_type(thing: InstrumentType) -> None:
    problem = rules.default_configuration_type_problem(thing)
    if problem:
        raise Refusal({"default_configuration_type": [problem]})


def _refuse_to_take_default(properties: ConfigurationTypeProperties) -> None:
    owner = properties.instrument_type
    if owner.default_configuration_type_id == properties.configuration_type_id:
        raise Conflict(_in_use(properties, [owner]))
