"""The key that signs identity tokens. Read by the settings, so it knows neither Django nor our tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_BITS: Final = 3072


def signing_key(directory: Path) -> str:
    """The installation's private key (PEM), made when it is first asked for.

    Several processes may ask at once: all get the key of the one that was first.
    """
    path = directory / "oidc-signing-key.pem"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        _write_once(path, _new_key())
    return path.read_text(encoding="ascii")


def _new_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_once(path: Path, content: bytes) -> None:
    draft = path.with_suffix(f".{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first, and its key counts
    finally:
        draft.unlink()
