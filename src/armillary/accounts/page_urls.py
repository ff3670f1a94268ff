from __future__ import annotations

from allauth.account.views import reauthenticate
from django.contrib.auth import views
from django.urls import include, path

from armillary.accounts import pages

_PROVIDERS = ("orcid", "google", "github", "openid_connect")

urlpatterns = [
    # The library's names for pages that we have under our own.
    path("login/", pages.LoginPage.as_view(), name="account_login"),
    path("logout/", pages.log_out, name="account_logout"),
    path("register/", pages.RegisterPage.as_view(), name="account_signup"),
    path("activate/resend/", pages.ResendActivationPage.as_view(), name="account_inactive"),
    path("reauthenticate/", reauthenticate, name="account_reauthenticate"),
    path("second-factor/", include("allauth.mfa.urls")),
    path("social/", include("allauth.socialaccount.urls")),
    *(path("", include(f"allauth.socialaccount.providers.{name}.urls")) for name in _PROVIDERS),
    path("register/", pages.RegisterPage.as_view(), name="register"),
    path("register/complete/", pages.page("accounts/register_complete.html"), name="register_complete"),
    path("register/closed/", pages.page("accounts/register_closed.html"), name="register_closed"),
    path("activate/complete/", pages.page("accounts/activation_complete.html"), name="activation_complete"),
    path("activate/resend/", pages.ResendActivationPage.as_view(), name="activation_resend"),
    path("activate/<str:key>/", pages.ActivatePage.as_view(), name="activate"),
    path("password/change/", pages.PasswordChangePage.as_view(), name="password_change"),
    path("password/change/done/", pages.page("accounts/password_change_done.html"), name="password_change_done"),
    path("password/reset/", pages.PasswordResetPage.as_view(), name="password_reset"),
    path("password/reset/done/", pages.page("accounts/password_reset_done.html"), name="password_reset_done"),
    path(
        "password/reset/confirm/<uidb64>/<token>/",
        pages.PasswordResetConfirmPage.as_view(),
        name="password_reset_confirm",
    ),
    path(
        "password/reset/complete/",
        views.PasswordResetCompleteView.as_view(template_name="accounts/password_reset_complete.html"),
        name="password_reset_complete",
    ),
]
