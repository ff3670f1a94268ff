"""Ordered members of groups, cameras and instruments: finding, making and storing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from armillary.configdb.models import GenericMode, GenericModeGroup, OpticalElement, OpticalElementGroup, Resource
from armillary.configdb.services.recording import Authorship, record
from armillary.platform.errors import Refusal

Wanted = Sequence[Resource | Mapping[str, Any]]


def current_members(thing: Resource, name: str) -> list[Resource]:
    """The members of one relation, in their order."""
    through, owner, member = _relation(thing, name)
    rows = through.objects.filter(**{owner: thing}).select_related(member)
    return [getattr(row, member) for row in rows]


def resolve(thing: Resource, name: str, wanted: Wanted, by: Authorship) -> list[Resource]:
    """Turn nested entries of a request into objects, making those that do not exist; a member is listed once."""
    resolver = _RESOLVERS.get(type(thing))
    found: list[Resource] = []
    for entry in wanted:
        if isinstance(entry, Resource):
            each: Resource = entry
        elif resolver is None:
            raise Refusal({name: ["Give the ids of existing objects."]})
        else:
            each = resolver(thing, entry, by)
        if each not in found:
            found.append(each)
    return found


def store_members(thing: Resource, name: str, members: Sequence[Resource]) -> None:
    """Make these, in this order, the members."""
    through, owner, member = _relation(thing, name)
    through.objects.filter(**{owner: thing}).delete()
    through.objects.bulk_create(
        through(**{owner: thing, member: each, "position": position}) for position, each in enumerate(members)
    )


def _relation(thing: Resource, name: str) -> tuple[Any, str, str]:
    relation: Any = type(thing)._meta.get_field(name)  # noqa: SLF001  Django's public metadata
    return relation.remote_field.through, relation.m2m_field_name(), relation.m2m_reverse_field_name()


def _element(thing: Resource, entry: Mapping[str, Any], by: Authorship) -> Resource:
    del thing
    existing = OpticalElement.objects.filter(code=entry["code"]).first()
    if existing is not None:
        return existing
    if not entry.get("name"):
        sentence = f"There is no optical element {entry['code']!r}; give a name too, and it is made."
        raise Refusal({"optical_elements": [sentence]})
    return _made(OpticalElement(**entry), by)


def _mode(thing: Resource, entry: Mapping[str, Any], by: Authorship) -> Resource:
    """A member with all these properties, or any mode with them, or a new one.

    A new group does not pick up, by a mere name, somebody else's mode that has rules of its own.
    """
    alike = GenericMode.objects.order_by("id").filter(
        **{key: entry[key] for key in entry if key != "validation_schema"}
    )
    schema = entry.get("validation_schema", None if thing.pk or "name" not in entry else {})
    for candidates in (alike.filter(groups=thing.pk) if thing.pk else alike.none(), alike):
        found = [each for each in candidates if schema is None or each.validation_schema == schema]
        if len(found) > 1 and "name" not in entry:
            identifiers = ", ".join(str(each.pk) for each in found)
            sentence = f"Several modes are {dict(entry)!r}: ids {identifiers}; say more of it, or use mode_ids."
            raise Refusal({"modes": [sentence]})
        if found:
            return found[0]
    if not entry.get("name"):
        sentence = f"There is no mode {entry['code']!r} with these properties; give a name too, and it is made."
        raise Refusal({"modes": [sentence]})
    return _made(GenericMode(**entry), by)


def _made(thing: Resource, by: Authorship) -> Resource:
    thing.full_clean()
    thing.save(force_insert=True)
    record(thing, "+", by)
    return thing


_RESOLVERS: Final[dict[type[Resource], Callable[[Any, Mapping[str, Any], Authorship], Resource]]] = {
    OpticalElementGroup: _element,
    GenericModeGroup: _mode,
}
