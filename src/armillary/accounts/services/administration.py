from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from axes.utils import reset
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from armillary.accounts import audit
from armillary.accounts.models import User
from armillary.accounts.permissions import Permission, may
from armillary.accounts.services.bulk import create_users
from armillary.accounts.services.removal import end_sessions
from armillary.accounts.services.siblings import announce_account
from armillary.accounts.services.users import change_account
from armillary.platform.refusals import Forbidden, Refusal

COLUMNS: Final = ("username", "email", "first_name", "last_name", "institution", "title", "education_user")
"""What a table of accounts may have."""
REQUIRED: Final = COLUMNS[:5]
_RIGHTS: Final = ("is_staff", "is_superuser")
_AT_ONCE: Final = 50


@transaction.atomic
def manage_account(user: User, changes: Mapping[str, Any], *, actor: User) -> User:
    """Change somebody else's account; gives it as it is now.

    Args:
        user: Whose.
        changes: What :func:`change_account` takes, and ``is_active``, ``is_staff``, ``is_superuser``.
        actor: Who does it.

    Raises:
        Forbidden: Only administrators give rights, and change the accounts of who has some.
        Refusal: Field errors, or nobody would be left who administers.
    """
    locked = User.objects.select_for_update().get(pk=user.pk)
    rights = {
        name: changes[name] for name in _RIGHTS if changes.get(name, getattr(locked, name)) != getattr(locked, name)
    }
    if (rights or locked.is_staff or locked.is_superuser) and not may(actor, Permission.APPOINT_OPERATORS):
        raise Forbidden("Only an administrator gives rights, and changes the accounts of operators and administrators.")
    is_active = changes.get("is_active", locked.is_active)
    if locked.is_superuser and not (is_active and changes.get("is_superuser", True)):
        _require_another_administrator(locked)
    own = {name: value for name, value in changes.items() if name not in {*_RIGHTS, "is_active"}}
    if own:
        change_account(locked, own)
        locked.refresh_from_db()
    stops = locked.is_active and not is_active
    for name, value in {**rights, "is_active": is_active}.items():
        setattr(locked, name, value)
    locked.save(update_fields=[*rights, "is_active"])
    if stops or rights:
        end_sessions(locked)
    announce_account(locked)
    audit.record(
        actor,
        "account.change",
        locked.username,
        changed=sorted(changes),
        **{name: bool(it) for name, it in rights.items()},
    )
    return locked


def _require_another_administrator(user: User) -> None:
    if not User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk).exists():
        raise Refusal("This is the last administrator; appoint another one first.")


@transaction.atomic
def unlock(user: User, *, actor: User) -> int:
    """Let somebody try passwords again who was locked after too many wrong ones; how many locks were opened."""
    opened = int(reset(username=user.username.casefold()))
    audit.record(actor, "account.unlock", user.username)
    return opened


@transaction.atomic
def import_accounts(
    rows: Sequence[Mapping[str, str]], *, actor: User, dry_run: bool = False
) -> list[tuple[int, str, str]]:
    """Create accounts from the lines of a table: all of them, or none.

    A line whose account is there with this address changes nothing, so a table may be imported again.

    Args:
        rows: Values by column (``COLUMNS``), as text; the first is line 2 of the table.
        actor: Who does it.
        dry_run: Only say what would happen.

    Returns:
        Line, name, and ``created`` or ``unchanged``.

    Raises:
        Refusal: ``{"rows": {line: {column: [sentences]}}}``, or sentences about names that are there twice.
    """
    lines = dict(enumerate(rows, start=2))
    known = dict(User.objects.values_list("username", "email"))
    new = {
        line: row
        for line, row in lines.items()
        if known.get(row["username"], "").casefold() != row["email"].casefold() or not row["email"]
    }
    if errors := {str(line): found for line, row in new.items() if (found := _errors(row))}:
        raise Refusal({"rows": errors})
    for start in range(0, len(new), _AT_ONCE):
        some = dict(list(new.items())[start : start + _AT_ONCE])
        _create(some, actor)
    if dry_run:
        transaction.set_rollback(True)
    return [(line, row["username"], "created" if line in new else "unchanged") for line, row in lines.items()]


def _create(rows: Mapping[int, Mapping[str, str]], actor: User) -> None:
    people = [
        {
            **row,
            "title": row.get("title", ""),
            "education_user": row.get("education_user", "").casefold() in {"1", "yes", "true"},
        }
        for row in rows.values()
    ]
    try:
        create_users(people, created_by=actor)
    except Refusal as refusal:
        found = refusal.errors.get("users") if isinstance(refusal.errors, dict) else None
        if not isinstance(found, dict):
            raise
        numbers = list(rows)
        raise Refusal({"rows": {str(numbers[int(place)]): errors for place, errors in found.items()}}) from refusal


def _errors(row: Mapping[str, str]) -> dict[str, list[str]]:
    errors = {name: ["This field is required."] for name in REQUIRED if not row.get(name)}
    if row.get("email"):
        try:
            validate_email(row["email"])
        except ValidationError as error:
            errors["email"] = list(error.messages)
    return errors


@transaction.atomic
def note_disclosure(user: User, *, actor: User) -> None:
    """Note that what is known about somebody was handed out."""
    audit.record(actor, "account.disclose", user.username)
