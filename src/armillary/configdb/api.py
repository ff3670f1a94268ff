"""The resources over HTTP: parse, call a query or a service, render."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final, TypeVar, cast

from django.db.models import QuerySet
from django.http import Http404
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from armillary.accounts.authentication import ChallengingAuthentication
from armillary.accounts.models import User
from armillary.configdb import filters, serializers, services
from armillary.configdb.models import (
    Camera,
    CameraType,
    ConfigurationType,
    ConfigurationTypeProperties,
    Enclosure,
    GenericMode,
    GenericModeGroup,
    Instrument,
    InstrumentCategory,
    InstrumentType,
    ModeType,
    OpticalElement,
    OpticalElementGroup,
    Resource,
    Site,
    Telescope,
)
from armillary.configdb.permissions import ReadsOpenlyWritesByPermission
from armillary.configdb.queries import consistent_reading, current_revision, render
from armillary.configdb.queries.history import versions_of
from armillary.configdb.services import Authorship
from armillary.platform.conditional import etag_of_list, etag_of_thing, require_match, tagged, unmodified
from armillary.platform.history import VersionSerializer, reason_in
from armillary.platform.idempotency import idempotent
from armillary.platform.paging import ThousandPerPagePaging

V = TypeVar("V", bound="type[ResourceViewSet]")


class ResourceViewSet(GenericViewSet[Any]):
    """One kind of thing: list, read, create, change, delete."""

    model: ClassVar[type[Resource]]
    authentication_classes = (ChallengingAuthentication,)
    permission_classes = (ReadsOpenlyWritesByPermission,)
    permission_method: str = ""
    pagination_class = ThousandPerPagePaging
    filter_backends = (DjangoFilterBackend,)
    lookup_value_regex = r"[^/.]+"

    @property
    def base_url(self) -> str:
        """Where the resources hang, as the caller sees it."""
        return self.reverse_action("list").removesuffix(f"{self.basename}/")

    def list(self, request: Request) -> Response:
        """All things of this kind, or those that the query parameters leave."""
        etag = etag_of_list(current_revision(), request)
        same = unmodified(request, etag)
        if same is not None:
            return same
        with consistent_reading():
            chosen = self.filter_queryset(self.get_queryset())
            page = self.paginate_queryset(cast("QuerySet[Any]", chosen.values()))
            body = render(self.model, page or (), base_url=self.base_url)
        return tagged(self.get_paginated_response(body), etag)

    def retrieve(self, request: Request, pk: str) -> Response:
        """One thing."""
        body = self._read(pk)
        etag = etag_of_thing(body)
        return unmodified(request, etag) or tagged(Response(body), etag)

    @idempotent
    def create(self, request: Request) -> Response:  # noqa: ARG002  the router passes it
        """Make a new thing."""
        values, members = self._parsed(None)
        thing = services.create(self.model, values, members=members, by=self._author())
        body = self._read(thing.pk)
        return tagged(Response(body, status=201), etag_of_thing(body))

    def update(self, request: Request, pk: str) -> Response:  # noqa: ARG002  the router passes it
        """Change a thing; a field that may be left out and is, stays."""
        return self._update(pk, partial=False)

    def partial_update(self, request: Request, pk: str) -> Response:  # noqa: ARG002  the router passes it
        """Change what is named of a thing."""
        return self._update(pk, partial=True)

    def destroy(self, request: Request, pk: str) -> Response:  # noqa: ARG002  the router passes it
        """Delete a thing that nothing uses."""
        key = self._key(pk)
        services.delete(self.model, key, by=self._author(), precondition=self._unchanged)
        return Response(status=204)

    @extend_schema(responses=VersionSerializer(many=True), filters=False)
    @action(detail=True, url_path="history")
    def history(self, request: Request, pk: str) -> Response:
        """Every version of it, newest first: who made it, when, and why; also of what is deleted."""
        versions = versions_of(self.model, self._key(pk))
        if not versions:
            self._read(pk)
        page: Any = self.paginate_queryset(versions)
        shown = VersionSerializer(page, many=True, context={"request": request}).data
        return self.get_paginated_response(shown)

    @extend_schema(request=None)
    @action(
        detail=True,
        methods=["post"],
        url_path=r"history/(?P<version>\d{1,18})/revert",
        permission_method="PATCH",
    )
    def revert(self, request: Request, pk: str, version: str) -> Response:  # noqa: ARG002  the router passes it
        """Make it what it was in that version; a deleted thing is made again. Needs the right to change."""
        thing = services.revert(self.model, self._key(pk), int(version), by=self._author())
        body = self._read(thing.pk)
        return tagged(Response(body), etag_of_thing(body))

    def _update(self, pk: str, *, partial: bool) -> Response:
        key = self._key(pk)
        present = self.model.with_key(key).first()
        if present is None:
            raise self._unknown()
        values, members = self._parsed(present, partial=partial)
        services.update(self.model, key, values, members=members, by=self._author(), precondition=self._unchanged)
        body = self._read(key)
        return tagged(Response(body), etag_of_thing(body))

    def _parsed(self, present: Resource | None, *, partial: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """The fields and the members that a body names."""
        serializer = self.get_serializer(present, data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(serializer.validated_data)
        members: dict[str, Any] = {}
        for name in self.model.MEMBERS:
            named = [values.pop(key) for key in (name, f"{name}_by_id") if key in values]
            if named:
                members[name] = [each for entries in named for each in entries]
        return values, members

    def _read(self, pk: object) -> dict[str, Any]:
        with consistent_reading():
            rows: Iterable[Any] = self.model.with_key(self._key(pk)).values()
            found = render(self.model, rows, base_url=self.base_url)
        if not found:
            raise self._unknown()
        return found[0]

    def _unchanged(self, thing: Resource) -> None:
        if "If-Match" in self.request.headers:
            require_match(self.request, etag_of_thing(self._read(thing.pk)))

    def _key(self, text: object) -> object:
        """The primary key that an address names."""
        field = self.model._meta.pk  # noqa: SLF001  Django's public metadata
        if field.get_internal_type() == "CharField":
            return str(text)
        digits = str(text)
        if not (digits.isascii() and digits.isdigit() and len(digits) < 19):  # 64 bits hold 18 digits
            raise self._unknown()
        return int(digits)

    def _unknown(self) -> Http404:
        return Http404(f"No {self.model._meta.object_name} matches the given query.")  # noqa: SLF001  the same

    def _author(self) -> Authorship:
        user = self.request.user
        return Authorship(user if isinstance(user, User) else None, reason_in(self.request))


def resource(
    model: type[Resource], serializer: type[serializers.ResourceSerializer], choice: type[FilterSet] | None = None
) -> Callable[[V], V]:
    """Say what a view set serves."""

    def declare(view: V) -> V:
        view.model = model
        order = model._meta.ordering or ("pk",)  # noqa: SLF001  Django's public metadata
        setattr(view, "queryset", model._default_manager.order_by(*order, "pk"))  # noqa: B010, SLF001  typed as of instances
        setattr(view, "serializer_class", serializer)  # noqa: B010  the same
        setattr(view, "filterset_class", choice)  # noqa: B010  django-filter's way of declaring
        return extend_schema(tags=["configdb"])(view)

    return declare


@resource(Site, serializers.SiteSerializer, filters.SiteFilter)
class SiteViewSet(ResourceViewSet):
    """Places with everything on them."""


@resource(Enclosure, serializers.EnclosureSerializer, filters.EnclosureFilter)
class EnclosureViewSet(ResourceViewSet):
    """Domes and roofs."""


@resource(Telescope, serializers.TelescopeSerializer, filters.TelescopeFilter)
class TelescopeViewSet(ResourceViewSet):
    """Telescopes with their limits."""


@resource(Instrument, serializers.InstrumentSerializer, filters.InstrumentFilter)
class InstrumentViewSet(ResourceViewSet):
    """Instruments with their cameras and their type."""


@resource(Camera, serializers.CameraSerializer, filters.CameraFilter)
class CameraViewSet(ResourceViewSet):
    """Cameras with what is in front of them."""


@resource(CameraType, serializers.CameraTypeSerializer, filters.CameraTypeFilter)
class CameraTypeViewSet(ResourceViewSet):
    """Detector models."""


@resource(InstrumentType, serializers.InstrumentTypeSerializer, filters.InstrumentTypeFilter)
class InstrumentTypeViewSet(ResourceViewSet):
    """What instruments of one make can do."""


@resource(OpticalElementGroup, serializers.OpticalElementGroupSerializer, filters.OpticalElementGroupFilter)
class OpticalElementGroupViewSet(ResourceViewSet):
    """Filter wheels, slit plates."""


@resource(OpticalElement, serializers.OpticalElementSerializer, filters.OpticalElementFilter)
class OpticalElementViewSet(ResourceViewSet):
    """Filters, slits, gratings."""


@resource(GenericModeGroup, serializers.GenericModeGroupSerializer)
class GenericModeGroupViewSet(ResourceViewSet):
    """The modes of one kind that an instrument type has."""


@resource(GenericMode, serializers.GenericModeSerializer, filters.GenericModeFilter)
class GenericModeViewSet(ResourceViewSet):
    """Modes."""


@resource(ModeType, serializers.ModeTypeSerializer)
class ModeTypeViewSet(ResourceViewSet):
    """What modes are about."""


@resource(ConfigurationType, serializers.ConfigurationTypeSerializer)
class ConfigurationTypeViewSet(ResourceViewSet):
    """Kinds of work."""


@resource(ConfigurationTypeProperties, serializers.ConfigurationTypePropertiesSerializer)
class ConfigurationTypePropertiesViewSet(ResourceViewSet):
    """How an instrument type does a kind of work."""


@resource(InstrumentCategory, serializers.InstrumentCategorySerializer)
class InstrumentCategoryViewSet(ResourceViewSet):
    """Families of instruments."""


VIEWS: Final[tuple[type[ResourceViewSet], ...]] = (
    SiteViewSet,
    EnclosureViewSet,
    TelescopeViewSet,
    InstrumentViewSet,
    CameraViewSet,
    CameraTypeViewSet,
    InstrumentTypeViewSet,
    OpticalElementGroupViewSet,
    OpticalElementViewSet,
    GenericModeGroupViewSet,
    GenericModeViewSet,
    ModeTypeViewSet,
    ConfigurationTypeViewSet,
    ConfigurationTypePropertiesViewSet,
    InstrumentCategoryViewSet,
)
