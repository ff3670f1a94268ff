"""Keys that must be readable again, kept so that a stolen database does not give them away."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

_PURPOSE: Final = b"armillary.accounts api tokens v1"


class Unreadable(Exception):
    """Sealed with a secret key that this installation no longer has."""


def digest(key: str) -> str:
    """What a key is found by; keys are random enough (160 bits) that the hash needs no salt."""
    return hashlib.sha256(key.encode()).hexdigest()


def seal(key: str) -> str:
    """Encrypt a key with the installation's secret key."""
    return _box().encrypt(key.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt what :func:`seal` gave.

    Raises:
        Unreadable: The secret key has changed since, and ``SECRET_KEY_FALLBACKS`` does not hold the old one.
    """
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("this token was sealed with another secret key; revoke it to get a new one") from error


def _box() -> MultiFernet:
    return MultiFernet([_cipher(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _cipher(secret: str | bytes) -> Fernet:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derivation.derive(force_bytes(secret))))
