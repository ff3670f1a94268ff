"""The OpenAPI document says everything that may be answered, refusals too, and how the request language looks.

Views that answer straight from rows have no serializers; for them the document says "an object". What may be posted is
described by the pydantic models that read it, so it is written down once.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from pydantic import BaseModel
from rest_framework import serializers
from rest_framework.generics import GenericAPIView

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_COMPONENTS: Final = "#/components/schemas/{model}"
_EVERYWHERE: Final = {
    "400": "What was sent breaks a rule: errors by field, or a list of sentences.",
    "401": "Who calls is unknown, where that is asked for.",
    "403": "The caller may not do this, or is unknown.",
    "406": "No such representation.",
    "429": "Too often; `Retry-After` says when to come again.",
    "502": "A service that this one needs answered something unexpected.",
    "503": "A service or the database is not to be reached now; `Retry-After` says when to try again.",
}
_WHERE_SOMETHING_IS_NAMED: Final = {"404": "There is no such thing, or the caller may not see it."}
_WHERE_SOMETHING_IS_SENT: Final = {
    **_WHERE_SOMETHING_IS_NAMED,
    "409": "Somebody else changed what this is about; read it again.",
    "412": "Somebody else changed what this is about since it was read (`If-Match`).",
    "413": "Too much at once.",
    "415": "This kind of body is not read.",
    "422": "The `Idempotency-Key` was used with another body.",
}

_described: dict[str, dict[str, Any]] = {}
"""Components that pydantic models gave, by name."""


def body_of(model: type[BaseModel], *, many: bool = False) -> dict[str, Any]:
    """A request body for ``extend_schema(request=...)``, from the model that reads it.

    Args:
        model: What is read.
        many: Whether a list of them is sent.
    """
    schema = model.model_json_schema(ref_template=_COMPONENTS)
    _described.update(schema.pop("$defs", {}))
    _described[model.__name__] = schema
    reference = {"$ref": _COMPONENTS.format(model=model.__name__)}
    return {"application/json": {"type": "array", "items": reference} if many else reference}


def add_described(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Put the components that pydantic models gave into the document (drf-spectacular's postprocessing hook)."""
    components: dict[str, Any] = result.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in sorted(_described.items()):
        components.setdefault(name, schema)
    return result


class DocumentedSchema(AutoSchema):
    """drf-spectacular's, knowing views without serializers, and every refusal."""

    def _get_serializer(self) -> Any:
        view = self.view
        if not isinstance(view, GenericAPIView):
            return OpenApiTypes.OBJECT
        own = type(view).get_serializer_class is not GenericAPIView.get_serializer_class
        if view.serializer_class is None and not own:
            return OpenApiTypes.OBJECT
        found = super()._get_serializer()  # type: ignore[no-untyped-call]  # the library publishes no types for it
        known = isinstance(found, (serializers.Serializer, serializers.ListSerializer, type))
        return found if known or not isinstance(found, serializers.BaseSerializer) else OpenApiTypes.OBJECT

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for code, meaning in self._refusals().items():
            bodies.setdefault(code, {"description": meaning, "content": {"application/json": {"schema": {}}}})
        return bodies

    def _refusals(self) -> dict[str, str]:
        found = dict(_EVERYWHERE)
        if "{" in self.path:
            found |= _WHERE_SOMETHING_IS_NAMED
        if self.method not in _SAFE:
            found |= _WHERE_SOMETHING_IS_SENT
        return found
