"""The keys of a running server: which company a request may read."""

import hmac
import os

from pathstats.endpoint import keys
from pathstats.endpoint.keys import id_in, key_hash
from schemas.errors import HomeUnreadable
from schemas.home import Home

# Compared with when the key id is unknown: no known input has this hash.
_OF_NO_KEY = bytes(32)


class KeyCache:
    """The keys that open, read again whenever they have changed."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._file = str(home.keys)
        self._read_of: tuple[int, ...] | None = None
        self._hashes: dict[str, bytes] = {}

    def opens(self, company_id: str, key: str) -> bool:
        """Whether this key opens this company.

        A wrong key, a revoked one, another company's and none at all take the same steps in the same time.
        Raises: HomeUnreadable if the keys can't be read.
        """
        self.refresh()
        stored = self._hashes.get(id_in(key), _OF_NO_KEY)
        return hmac.compare_digest(stored, key_hash(company_id, key))

    def refresh(self) -> None:
        """Raises: HomeUnreadable if the keys can't be read."""
        now = self._written()
        if now != self._read_of:
            opening = [key for key in keys.read(self._home) if key.revoked_at is None]
            self._hashes = {key.key_id: bytes.fromhex(key.hash) for key in opening}
            self._read_of = now

    def is_empty(self) -> bool:
        """Whether no key opens anything."""
        self.refresh()
        return not self._hashes

    def _written(self) -> tuple[int, ...]:
        """Which writing of the file there is: each is a new file."""
        try:
            found = os.stat(self._file)
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise HomeUnreadable(f"{self._file} can't be read ({error.strerror}).") from error
        return found.st_ino, found.st_mtime_ns, found.st_size
