"""Everything that changes accounts; each function is one transaction."""

from armillary.accounts.services.applications import CreatedApplication, archive_token, create_oauth_application
from armillary.accounts.services.bulk import create_users
from armillary.accounts.services.registration import (
    activate,
    register,
    register_from_provider,
    request_activation,
    request_removal,
)
from armillary.accounts.services.removal import end_sessions, remove_account
from armillary.accounts.services.shadows import remember_account
from armillary.accounts.services.tokens import (
    api_token,
    authenticate_token,
    create_named_token,
    delete_named_token,
    revoke_token,
)
from armillary.accounts.services.users import accept_terms, change_account, create_user, note_password_change

__all__ = [
    "CreatedApplication",
    "accept_terms",
    "activate",
    "api_token",
    "archive_token",
    "authenticate_token",
    "change_account",
    "create_named_token",
    "create_oauth_application",
    "create_user",
    "create_users",
    "delete_named_token",
    "end_sessions",
    "note_password_change",
    "register",
    "register_from_provider",
    "remember_account",
    "remove_account",
    "request_activation",
    "request_removal",
    "revoke_token",
]
