"""Addresses of people on a server without the portal: a session, one's own profile, and the portal's push."""

from __future__ import annotations

from django.urls import path

from armillary.accounts import api, pages

urlpatterns = [
    path("accounts/login/", pages.LoginPage.as_view(), name="login"),
    path("accounts/logout/", pages.log_out, name="logout"),
    path("accounts/loggedinstate/", pages.logged_in_state, name="logged_in_state"),
    path("accounts/api-login/", api.ApiLoginView.as_view(), name="api_login"),
    path("api/profile/", api.ProfileView.as_view(), name="profile"),
    path("api/api-token-auth/", api.ApiTokenAuthView.as_view(), name="api_token_auth"),
    # The archive's own addresses, with and without its prefix, and what OCS portals push to each kind of sibling.
    *(path(f"{prefix}api-token-auth/", api.ApiTokenAuthView.as_view()) for prefix in ("", "archive/")),
    *(path(f"{prefix}revoke_token/", api.RevokeTokenView.as_view()) for prefix in ("", "archive/")),
    *(
        path(f"{prefix}authprofile/addupdateuser/", api.AddUpdateUserView.as_view())
        for prefix in ("", "configdb/", "downtime/", "archive/")
    ),
]
