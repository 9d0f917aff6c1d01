"""The audit chain's head, witnessed: signed and published, and in a file next to the database for the next start.

A database whose write-ahead log was cut opens as a sound, older one. So after every commit that lengthened the chain
its head is written into a small file of its own: a database that does not contain that head has gone back in time. The
file is not synced: after a power cut it may be older than the database, never newer.

That writing is also the second opinion on the commit: a file system that has met an error in that very moment may have
said that all is on disk and dropped it (ext4 does, seen with Linux 6.18), but it takes no further write.
"""

import errno
import hashlib
import json
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gateway.contract.audit_head import signed_bytes
from gateway.database.file_permissions import close_to_others, make_file
from gateway.errors import StoreUnavailableError
from gateway.records.outgoing import Head, SignedHead
from gateway.store.statements import SQL

HEAD_FILE = "audit_head"
KEY_FILE = "audit_key.pem"
_LENGTH = 256
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class HeadFile:
    """The file with the newest head; a context manager. Written from the writing thread."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / HEAD_FILE
        self._handle = -1
        self._written: Head | None = None

    def __enter__(self) -> Self:
        make_file(self._path)
        self._handle = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        return self

    def __exit__(self, *_exception: object) -> None:
        os.close(self._handle)

    def witness(self, connection: sqlite3.Connection, *, durable: bool = False) -> None:
        """Write the head that has just been committed; raises OSError where the disk takes no write any more.

        ``durable``: it must survive a power cut, as lines behind it would give nobody authority.

        Where there is no room, an older head stays, which witnesses less, and nothing wrong.
        """
        head = head_of(connection)
        if head is None or head == self._written:
            return
        try:
            os.pwrite(self._handle, _framed(head), 0)
            if durable:
                os.fsync(self._handle)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
        else:
            self._written = head


def _framed(head: Head) -> bytes:
    content = json.dumps({"seq": head.seq, "hash": head.hash})
    check = hashlib.sha256(content.encode()).hexdigest()
    return f"{content} {check}\n".ljust(_LENGTH).encode()


def read_head_file(directory: Path) -> Head | None:
    """Return the newest head that an earlier run has witnessed, or None where there is none that can be read."""
    try:
        content, check = (directory / HEAD_FILE).read_text().strip().rsplit(" ", 1)
        if hashlib.sha256(content.encode()).hexdigest() != check:
            return None
        document = json.loads(content)
        return Head(seq=int(document["seq"]), hash=str(document["hash"]))
    except (OSError, ValueError, KeyError, UnicodeDecodeError):
        return None


def head_of(connection: sqlite3.Connection) -> Head | None:
    """Return the chain's head as it is in the database, or None while there is no line."""
    row = connection.execute(SQL["last_audit"]).fetchone()
    return None if row is None else Head(seq=row[0], hash=row[1])


def contains(connection: sqlite3.Connection, head: Head) -> bool:
    """Return whether the chain contains that line, or has archived it with what it was."""
    row = connection.execute(SQL["audit_hash"], {"seq": head.seq}).fetchone()
    if row is not None:
        return bool(row[0] == head.hash)
    archives = connection.execute(SQL["archives"]).fetchall()
    if not archives or head.seq > archives[-1]["last_seq"]:
        return False
    return all(archive["last_hash"] == head.hash for archive in archives if archive["last_seq"] == head.seq)


@dataclass(frozen=True, kw_only=True)
class HeadSigner:
    """Signs heads with the line's key (Ed25519: the same head always gets the same signature)."""

    line: str
    private_key: Ed25519PrivateKey

    @property
    def public_key(self) -> str:
        """The public key, in hexadecimal."""
        return self.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, head: Head, at_ns: int) -> SignedHead:
        """Return the head with its signature."""
        return SignedHead(
            head=head,
            line=self.line,
            at_ns=at_ns,
            public_key=self.public_key,
            signature=self.private_key.sign(signed_bytes(self.line, head)).hex(),
        )


def keys_of_heads(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the public keys (hexadecimal) that have signed heads of this store."""
    return frozenset(key for (key,) in connection.execute(SQL["keys_of_heads"]))


def former_line(connection: sqlite3.Connection, line: str) -> str | None:
    """Return for which other line the newest head was signed: [site] was renamed, or the store is another line's."""
    row = connection.execute(SQL["last_signed_head"]).fetchone()
    return row["line"] if row is not None and row["line"] not in {None, line} else None


def load_signer(*, line: str, directory: Path, credential: str | None, make_key: bool) -> HeadSigner:
    """Return the signer with the key from the credentials, else with the store's own.

    ``make_key``: whether to make that one where there is none, as the gateway does at its first start. A command never
    does: the gateway's key may be a credential that the command was not given. Raises StoreUnavailableError.
    """
    path = directory / KEY_FILE
    try:
        if credential is None and not path.exists():
            if not make_key:
                raise StoreUnavailableError(
                    f"there is no audit key: neither credential audit_key nor {path}",
                    hint="give the command the service's credential: CREDENTIALS_DIRECTORY with a file audit_key",
                )
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(
                    Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
                )
                file.flush()
                os.fsync(file.fileno())
            close_to_others(path)
        key = load_pem_private_key(credential.encode() if credential is not None else path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise StoreUnavailableError(
            f"the audit key cannot be used: {error}",
            hint="an Ed25519 private key as PEM in credential audit_key, or in the store's directory",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreUnavailableError("the audit key is no Ed25519 key", hint="openssl genpkey -algorithm ed25519")
    return HeadSigner(line=line, private_key=key)
