"""The endpoint's keys: each opens one company, is shown once when created, and is stored as a hash.

A key is `ps_<id>_<secret>`. The id identifies it for people, and is not secret. The secret is 256 random
bits, so a fast hash is enough: it can't be guessed.
"""

import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from schemas.errors import HomeBusy, HomeUnreadable, HomeUnwritable, UnknownName, UsageError
from schemas.home import Home

_PREFIX = "ps_"
_ID_LENGTH = 8
_SECRET_BYTES = 32
_BUSY_AFTER_S = 10


@dataclass(frozen=True)
class Key:
    """The stored part of a key.

    created_at, revoked_at: ISO 8601, UTC; revoked_at null while it opens.
    hash:                   of the key and its company, hexadecimal.
    """

    key_id: str
    company_id: str
    name: str
    created_at: str
    revoked_at: str | None = None
    hash: str = field(default="", repr=False)


def id_in(text: str) -> str:
    """The id in what may be a key.

    >>> id_in("ps_1f0c9a3e_5d…"), id_in("anything else")
    ('1f0c9a3e', 'thing el')
    """
    return text[len(_PREFIX) : len(_PREFIX) + _ID_LENGTH]


def key_hash(company_id: str, key: str) -> bytes:
    """Of both: so another company's key is as wrong as any other, by one comparison."""
    return hmac.digest(
        key.encode("utf-8", "surrogatepass"), company_id.encode("utf-8", "surrogatepass"), "sha256"
    )


def create(home: Home, company_id: str, name: str, now: datetime) -> tuple[Key, str]:
    """A new key to a company, and its text, which is not stored.

    Raises: UsageError if the company or name is invalid; HomeUnwritable, HomeUnreadable, HomeBusy.
    """
    if not company_id.strip() or not (company_id + name).isprintable():
        raise UsageError("A key needs a company; it and --name may contain printable characters only.")
    with _changing(home) as keys:
        key_id = _new_id({key.key_id for key in keys})
        text = f"{_PREFIX}{key_id}_{secrets.token_hex(_SECRET_BYTES)}"
        created_at = now.isoformat(timespec="seconds")
        key = Key(key_id, company_id, name, created_at, hash=key_hash(company_id, text).hex())
        keys.append(key)
    return key, text


def revoke(home: Home, key_id: str, now: datetime) -> Key:
    """The key as it was before; from now on it opens nothing.

    Raises: UnknownName if the key is unknown; HomeUnwritable, HomeUnreadable, HomeBusy.
    """
    with _changing(home) as keys:
        place = next((place for place, key in enumerate(keys) if key.key_id == key_id), None)
        if place is None:
            raise UnknownName("There is no key of that id; `pathstats keys list` shows the ids.")
        before = keys[place]
        if before.revoked_at is None:
            keys[place] = replace(before, revoked_at=now.isoformat(timespec="seconds"))
    return before


def read(home: Home) -> list[Key]:
    """All keys, revoked ones too, in the order in which they were made.

    Raises: HomeUnreadable.
    """
    try:
        keys = [Key(**key) for key in json.loads(home.keys.read_text("utf-8"))]
        # A key that can't be compared would open nothing, without any message.
        return [key for key in keys if bytes.fromhex(key.hash)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise HomeUnreadable(f"{home.keys} can't be read ({error.strerror}).") from error
    except (ValueError, TypeError):
        raise HomeUnreadable(
            f"{home.keys} is damaged; put back a copy, or delete it and make new keys."
        ) from None


@contextmanager
def _changing(home: Home) -> Iterator[list[Key]]:
    """The keys, to be changed; one at a time, and what is changed replaces the file in one step."""
    from filelock import FileLock, Timeout

    try:
        home.root.mkdir(0o750, parents=True, exist_ok=True)
        with FileLock(home.keys_lock, timeout=_BUSY_AFTER_S):
            keys = read(home)
            yield keys
            _write(home, keys)
    except Timeout:
        raise HomeBusy(
            f"Keys in {home.root} are being changed by another command; wait until it ends."
        ) from None
    except OSError as error:
        raise HomeUnwritable(f"{home.keys} can't be written ({error.strerror}).") from error


def _write(home: Home, keys: list[Key]) -> None:
    """For the owner's eyes only, from the first byte on."""
    temporary = home.keys.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps([asdict(key) for key in keys], indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, home.keys)


def _new_id(taken: set[str]) -> str:
    while (key_id := secrets.token_hex(_ID_LENGTH // 2)) in taken:
        pass
    return key_id
