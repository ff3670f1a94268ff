"""Which address leads to which component.

The portal owns the root; configdb, downtime and archive have prefixes. The archive's resources also answer at the
root, because real clients drop path prefixes. A service that runs alone answers at the root as well as under its
prefix; an archive alone says at `/health/` what an OCS archive says. Where the same names appear twice, the later one
is what links are made with.
"""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.utils.module_loading import import_string
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView

from armillary.configuration import SERVICES, Component, configuration
from armillary.server.pruning import PrunedResolver

_PREFIXED: Final = (Component.CONFIGDB, Component.DOWNTIME, Component.ARCHIVE)


def _addresses() -> list[URLPattern | URLResolver]:
    settings = configuration()
    running = [service for service in SERVICES if settings.runs(service)]
    addresses: list[URLPattern | URLResolver] = [
        path("admin/", admin.site.urls),
        path("openapi/", SpectacularAPIView.as_view(), name="openapi"),
        path("redoc/", SpectacularRedocView.as_view(url_name="openapi"), name="redoc"),
        *([path("", include("armillary.archive.urls"))] if running == [Component.ARCHIVE] else ()),
        path("", include("armillary.platform.urls")),
        path("", include(f"armillary.accounts.{'urls' if settings.runs(Component.PORTAL) else 'relying_urls'}")),
    ]
    if Component.ARCHIVE in running:
        addresses.append(path("", include(import_string("armillary.archive.urls.root_urlpatterns"))))
    addresses += [
        path(f"{service}/", include(f"armillary.{service}.urls")) for service in _PREFIXED if service in running
    ]
    if settings.runs(Component.WEB):
        addresses.append(path("", include("armillary.web.urls")))
    if Component.PORTAL in running:
        addresses.append(path("", include("armillary.portal.urls")))
    elif len(running) == 1:
        addresses.append(path("", include(f"armillary.{running[0]}.urls")))
    return addresses


urlpatterns = [PrunedResolver(_addresses())]

handler400 = "armillary.platform.errors.bad_request"
handler403 = "armillary.platform.errors.permission_denied"
handler404 = "armillary.platform.errors.not_found"
handler500 = "armillary.platform.errors.server_error"
