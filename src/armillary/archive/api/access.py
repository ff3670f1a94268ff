from __future__ import annotations

from collections.abc import Sequence

from django.http import Http404, HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from armillary import clock
from armillary.accounts.authentication import Authenticated, ChallengingAuthentication
from armillary.accounts.permissions import Permission, may
from armillary.archive.queries.visibility import viewer, visible_frames
from armillary.core.frames import Viewer
from armillary.platform.models import Change


class StoresOrReads(BasePermission):
    """Anybody may read what exists for them; only who is permitted to store frames writes."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller may do this."""
        del view
        return request.method in SAFE_METHODS or may(request.user, Permission.STORE_FRAMES)


class TokenInFormAuthentication(ChallengingAuthentication):
    """A form that a browser posts cannot set headers: it may carry the token as ``auth_token``."""

    def authenticate(self, request: Request) -> Authenticated | None:
        """Who calls. An unknown token in a form is answered with 404, as the reference does."""
        token = request.data.get("auth_token") if hasattr(request.data, "get") else None
        if not token:
            return super().authenticate(request)
        with_header = HttpRequest()
        with_header.META["HTTP_AUTHORIZATION"] = f"Token {token}".encode("ascii", "replace")
        try:
            return super().authenticate(Request(with_header))
        except AuthenticationFailed as error:
            raise Http404 from error


class ArchiveView(APIView):
    """What the views of the archive have in common: who calls is asked with 401, and reading is open."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (ChallengingAuthentication,)
    permission_classes: Sequence[type[BasePermission]] = (StoresOrReads,)

    @property
    def who(self) -> Viewer:
        """What the caller may see."""
        return viewer(self.request.user)

    @property
    def is_anonymous(self) -> bool:
        """Whether the caller is a stranger."""
        return not self.request.user.is_authenticated


def sees_change(request: Request, change: Change) -> bool:
    """Whether the caller may be told about a change: whoever may see the frame. Deleted ones exist for who sees all."""
    who = viewer(request.user)
    if who.sees_all:
        return True
    return change.key.isdigit() and visible_frames(who, clock.now()).filter(pk=int(change.key)).exists()
