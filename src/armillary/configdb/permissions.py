from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from armillary.accounts.models import User
from armillary.accounts.permissions import Permission, may
from armillary.configuration import configuration

_ACTIONS: Final = {"POST": "add", "PUT": "change", "PATCH": "change", "DELETE": "delete"}


class ReadsOpenlyWritesByPermission(BasePermission):
    """Anybody reads, if the setting says so; who writes is an operator, or was granted this kind of thing.

    Granting is Django's: ``armillary_configdb.change_instrument`` and so on, for a person or a group.
    """

    message = "Changing the observatory's configuration needs staff rights, or a permission for this kind of thing."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the caller may try this method on this kind of thing."""
        if request.method in SAFE_METHODS:
            return may_read(request.user)
        return may_write(
            request.user, view.model, _ACTIONS.get(view.permission_method or request.method or "", "change")
        )


def may_read(user: User | AnonymousUser) -> bool:
    """Whether somebody may see the configuration."""
    return configuration().read_access_is_public or user.is_authenticated


def may_write(user: User | AnonymousUser, model: Any, action: str) -> bool:
    """Whether somebody may ``add``, ``change`` or ``delete`` things of a kind."""
    if not user.is_authenticated:
        return False
    name = f"{model._meta.app_label}.{action}_{model._meta.model_name}"  # noqa: SLF001  Django's public metadata
    return may(user, Permission.EDIT_CONFIGURATION) or user.has_perm(name)


class ReadsOpenly(BasePermission):
    """Anybody reads, if the setting says so; else whoever is logged in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the caller may read."""
        del view
        return may_read(request.user)
