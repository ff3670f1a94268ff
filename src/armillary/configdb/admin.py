"""Operators' pages: every write goes through the services, so rules, history and change feed are the API's.

Members of groups, cameras and instruments are lines of their own with positions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.http.response import HttpResponseRedirect
from simple_history.admin import SimpleHistoryAdmin

from armillary.accounts.models import User
from armillary.configdb import services
from armillary.configdb.models import RESOURCES, Instrument, Resource
from armillary.configdb.models.instruments import ConfigurationTypeProperties, GenericModeGroup
from armillary.configdb.permissions import may_write
from armillary.configdb.services import Authorship
from armillary.platform.errors import Conflict, Refusal


def _pages(show: str, choose: str = "", search: str = "code name") -> dict[str, tuple[str, ...]]:
    return {
        "list_display": tuple(show.split()),
        "list_filter": tuple(choose.split()),
        "search_fields": tuple(search.split()),
    }


_LISTS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "Site": _pages("code name active tz", "active"),
    "Enclosure": _pages("__str__ name active", "active site"),
    "Telescope": _pages("__str__ name active aperture horizon", "active enclosure__site", "code name serial_number"),
    "Instrument": _pages(
        "__str__ state instrument_type autoguider_camera",
        "state telescope__enclosure__site instrument_type",
        "code telescope__code",
    ),
    "Camera": _pages("code camera_type host", "camera_type", "code host"),
    "CameraType": _pages("name code size pscale"),
    "OpticalElement": _pages("code name schedulable", "schedulable"),
    "OpticalElementGroup": _pages("name type default", "type", "name"),
    "InstrumentType": _pages("code name instrument_category default_configuration_type", "instrument_category"),
    "ConfigurationTypeProperties": _pages(
        "instrument_type configuration_type schedulable config_change_overhead",
        "configuration_type instrument_type",
        "instrument_type__code",
    ),
    "GenericMode": _pages("code name overhead schedulable", "schedulable"),
    "GenericModeGroup": _pages("instrument_type type default", "type", "instrument_type__code"),
    "ConfigurationType": _pages("code name"),
    "InstrumentCategory": _pages("code", search="code"),
    "ModeType": _pages("id", search="id"),
}


class ResourceForm(forms.ModelForm[Resource]):
    """Checks what a row alone can be wrong in; the services check the rest when it is saved."""

    reason = forms.CharField(required=False, max_length=1000, help_text="Why; kept in the history")


class ResourceAdmin(SimpleHistoryAdmin):  # type: ignore[misc]  # the library publishes no types
    """One kind of thing."""

    form = ResourceForm
    list_per_page = 100
    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may edit may look, and so may everybody whom Django's permissions let."""
        return self.has_change_permission(request, obj) or bool(super().has_view_permission(request, obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """As over the API."""
        return may_write(request.user, self.model, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As over the API."""
        del obj
        return may_write(request.user, self.model, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As over the API."""
        del obj
        return may_write(request.user, self.model, "delete")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Who may do anything here sees it in the list."""
        return self.has_view_permission(request)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """What the services refuse is shown above the form, and nothing is stored."""
        try:
            answer: HttpResponseBase = super().changeform_view(request, *args, **kwargs)
        except Refusal as refusal:
            for sentence in _sentences(refusal.errors):
                messages.error(request, sentence)
            answer = HttpResponseRedirect(request.get_full_path())
        return answer

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Nothing yet: rules are about an object and its members, which come with :meth:`save_related`."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """Store it with its members through the service."""
        model: type[Resource] = self.model
        values = {name: form.cleaned_data[name] for name in form.changed_data if name != "reason"}
        if not change:
            fields = {field.name for field in model._meta.concrete_fields}  # noqa: SLF001  Django's public metadata
            values |= {name: value for name, value in form.cleaned_data.items() if name in fields}
        if getattr(values.get("default"), "code", None) is not None:
            values["default"] = values["default"].code
        members = {formset.relation: _chosen(formset) for formset in formsets if hasattr(formset, "relation")}
        for formset in formsets:  # Django's own log is told of nothing more: the history has the members
            formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        by = _author(request, form.cleaned_data.get("reason", ""))
        if change:
            services.update(model, form.instance.pk, values, members=members, by=by)
        else:
            form.instance.pk = services.create(model, values, members=members, by=by).pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete it, unless something uses it."""
        self._delete(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete each, unless something uses it."""
        for thing in queryset:
            self._delete(request, thing)

    def _delete(self, request: HttpRequest, thing: Resource) -> None:
        try:
            services.delete(type(thing), thing.pk, by=_author(request, ""))
        except Conflict as conflict:
            messages.error(request, " ".join(_sentences(conflict.errors)))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The service says what stands in the way; nothing else is taken along."""
        del request
        return [str(thing) for thing in objs], {}, set(), []


def _chosen(formset: Any) -> list[Resource]:
    """The members that are filled in and not crossed out, by position."""
    rows = [row for row in formset.cleaned_data if row and not row.get("DELETE")]
    return [row[formset.member] for row in sorted(rows, key=lambda row: row.get("position") or 0)]


def _members_of(owner: type[Resource], name: str) -> type[admin.TabularInline[Any, Any]]:
    """Lines for the members of one relation."""
    relation: Any = owner._meta.get_field(name)  # noqa: SLF001  Django's public metadata
    member = relation.m2m_reverse_field_name()
    formset = type("Members", (forms.BaseInlineFormSet,), {"relation": name, "member": member})

    def is_writable(self: Any, request: HttpRequest, obj: Any = None) -> bool:
        del self, obj
        return may_write(request.user, owner, "change") or may_write(request.user, owner, "add")

    allowed = dict.fromkeys(
        ("has_add_permission", "has_change_permission", "has_delete_permission", "has_view_permission"), is_writable
    )
    return type(
        "MembersInline",
        (admin.TabularInline,),
        {
            "model": relation.remote_field.through,
            "fk_name": relation.m2m_field_name(),
            "formset": formset,
            "fields": (member, "position"),
            "extra": 2,
            **allowed,
        },
    )


def _author(request: HttpRequest, reason: str) -> Authorship:
    return Authorship(request.user if isinstance(request.user, User) else None, reason)


def _sentences(errors: Any, field: str = "") -> list[str]:
    if isinstance(errors, dict):
        shown = {name: inner for name, inner in errors.items() if name != "used_by"}
        return [sentence for name, inner in shown.items() for sentence in _sentences(inner, str(name))]
    if isinstance(errors, list):
        return [sentence for inner in errors for sentence in _sentences(inner, field)]
    return [str(errors) if field in {"", "detail", "non_field_errors"} else f"{field}: {errors}"]


class _StateForm(ActionForm):
    reason = forms.CharField(required=False, max_length=1000, label="Why")


def _to_state(state: str) -> Callable[..., None]:
    def change(owner: Any, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        by = _author(request, request.POST.get("reason", ""))
        for instrument in queryset:
            services.update(Instrument, instrument.pk, {"state": state}, by=by)
        owner.message_user(request, f"{queryset.count()} instruments are {state} now.")

    change.__name__ = f"to_{state.lower()}"
    return admin.action(description=f"Bring into the state {state}", permissions=["change"])(change)


class InstrumentAdmin(ResourceAdmin):
    """Instruments, whose states can be changed together."""

    action_form = _StateForm
    actions = [_to_state(state) for state in Instrument.State.values]
    list_select_related = ("telescope__enclosure__site", "instrument_type", "autoguider_camera")


class _Parts(admin.TabularInline[Any, Any]):
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They have pages of their own."""
        del request, obj
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The same."""
        del request, obj
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who sees the owner sees its parts."""
        del request, obj
        return True


class _Properties(_Parts):
    model = ConfigurationTypeProperties
    fields = ("configuration_type", "schedulable", "config_change_overhead")


class _Groups(_Parts):
    model = GenericModeGroup
    fields = ("type", "default")


class InstrumentTypeAdmin(ResourceAdmin):
    """Instrument types with what belongs to them."""

    inlines = (_Properties, _Groups)


_SPECIAL: Final[dict[str, type[ResourceAdmin]]] = {"Instrument": InstrumentAdmin, "InstrumentType": InstrumentTypeAdmin}


def _register(model: type[Resource]) -> None:
    name = model.__name__
    owner = _SPECIAL.get(name, ResourceAdmin)
    members = {"inlines": tuple(_members_of(model, relation) for relation in model.MEMBERS)} if model.MEMBERS else {}
    admin.site.register(model, type(f"{name}Page", (owner,), {**_LISTS.get(name, {}), **members}))


for _model in RESOURCES:
    _register(_model)
