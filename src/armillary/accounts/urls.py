"""Addresses of people beside the portal, which is the identity provider."""

from __future__ import annotations

from django.urls import include, path
from oauth2_provider.urls import base_urlpatterns, management_urlpatterns, oidc_urlpatterns

from armillary.accounts import administration_api, api, identity_api, relying_urls

urlpatterns = [
    *relying_urls.urlpatterns,
    path("api/profile/accept_terms/", api.AcceptTermsView.as_view(), name="accept_terms"),
    path("api/revoke_token/", api.RevokeTokenView.as_view(), name="revoke_api_token"),
    path("api/account_removal_request/", api.AccountRemovalRequestView.as_view(), name="account_removal_request"),
    path("api/users-bulk/", identity_api.BulkUsersView.as_view(), name="users_bulk"),
    path("api/users/", administration_api.AccountsView.as_view(), name="accounts"),
    path("api/users/import/", administration_api.ImportAccountsView.as_view(), name="import_accounts"),
    path("api/users/<str:username>/", administration_api.AccountView.as_view(), name="account"),
    path("api/users/<str:username>/unlock/", administration_api.UnlockAccountView.as_view(), name="unlock_account"),
    path("api/users/<str:username>/personal_data/", administration_api.AccountDataView.as_view(), name="account_data"),
    path("api/users/<str:username>/remove/", identity_api.RemoveAccountView.as_view(), name="remove_account"),
    path("api/tokens/", identity_api.TokensView.as_view(), name="tokens"),
    path("api/tokens/<int:token_id>/", identity_api.TokenView.as_view(), name="token"),
    path("api/sessions/", identity_api.SessionsView.as_view(), name="sessions"),
    path("api/sessions/<int:session_id>/", identity_api.SessionView.as_view(), name="session"),
    path("api/profile/personal_data/", identity_api.PersonalDataView.as_view(), name="personal_data"),
    path("api/audit/", identity_api.AuditView.as_view(), name="audit"),
    path("o/", include((base_urlpatterns + management_urlpatterns + oidc_urlpatterns, "oauth2_provider"))),
    path("accounts/", include("armillary.accounts.page_urls")),
]
