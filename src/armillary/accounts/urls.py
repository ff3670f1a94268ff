"""Addresses of people beside the portal, which is the identity provider."""

from __future__ import annotations

from django.urls import include, path
from oauth2_provider.urls import base_urlpatterns, management_urlpatterns

from armillary.accounts import api, relying_urls

urlpatterns = [
    *relying_urls.urlpatterns,
    path("api/profile/accept_terms/", api.AcceptTermsView.as_view(), name="accept_terms"),
    path("api/revoke_token/", api.RevokeTokenView.as_view(), name="revoke_api_token"),
    path("api/account_removal_request/", api.AccountRemovalRequestView.as_view(), name="account_removal_request"),
    path("o/", include((base_urlpatterns + management_urlpatterns, "oauth2_provider"))),
    path("accounts/", include("armillary.accounts.page_urls")),
]
