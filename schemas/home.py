"""The paths in a home folder, and which folder is the home. Names only: nothing is read or written."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import UsageError

PARQUET_TABLES = (
    "path_session_stats",
    "step_stats",
    "attempts",
    "session_summary",
    "users",
    "path_sessions",
    "quarantine",
    "status_changes",
)
# A path keeps one slash of two: s3:/bucket. One letter before the colon is a drive of Windows.
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:/")
# Tables that a release contains only if they have rows: reconciliation with a platform, R16, R17.
OCCASIONAL_TABLES = ("parity", "waivers", "child_sessions")


@dataclass(frozen=True)
class Release:
    """One release: a folder that is renamed into place once it is complete."""

    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def lookup_index(self) -> Path:
        return self.folder / "lookup.sqlite"

    @property
    def report(self) -> Path:
        """The page for training managers; with several companies, the list of their pages."""
        return self.folder / "report.html"

    @property
    def data_dictionary(self) -> Path:
        return self.folder / "data_dictionary.md"

    def table(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def tables(self) -> list[str]:
        """The names of its tables."""
        return [*PARQUET_TABLES, *(name for name in OCCASIONAL_TABLES if self.table(name).exists())]

    def files(self) -> list[Path]:
        """All files in the release and its folders. Empty folders, which should not exist, are included."""
        entries = sorted(self.folder.rglob("*"))
        parents = {entry.parent for entry in entries}
        return [entry for entry in entries if entry not in parents]

    def named(self, file: Path) -> str:
        """The name of a release's file in the manifest: its path relative to the release."""
        return file.relative_to(self.folder).as_posix()


# SQLite opens no file with a path longer than 512 bytes; paths in a home add less than 110 to its own.
LONGEST_PATH = 400
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Home:
    """The folder that contains the warehouse and the releases.

    Raises: UsageError if DuckDB, polars or SQLite can't open files at its path.
    """

    root: Path

    def __post_init__(self) -> None:
        path = os.fsencode(self.root.absolute())
        readable = path.decode("utf-8", "backslashreplace")
        if readable.encode() != path:
            raise UsageError(
                f"The path of the home {readable} is not valid UTF-8; rename the folder, or give another one "
                "with --home."
            )
        if len(path) > LONGEST_PATH or max(map(len, path.split(b"/"))) > _LONGEST_NAME:
            raise UsageError(
                f"The home's path {readable[:40]}… is {len(path):,} bytes long; give --home a path of at "
                f"most {LONGEST_PATH}, with no folder name longer than {_LONGEST_NAME}."
            )

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def warehouse_log(self) -> Path:
        """DuckDB's write-ahead log of the warehouse."""
        return self.root / "warehouse.duckdb.wal"

    @property
    def warehouse_copy(self) -> Path:
        """The compacted copy of the warehouse, while it is being written."""
        return self.root / "warehouse.duckdb.copy"

    def damaged_warehouse(self, run_id: str) -> Path:
        """The path to which a run moves a warehouse that can't be read."""
        return self.root / f"warehouse.duckdb.damaged-{run_id}"

    @property
    def lock(self) -> Path:
        return self.root / "run.lock"

    @property
    def failure(self) -> Path:
        """The record of the last failure, and of the first one since a release was published."""
        return self.root / "failure.json"

    @property
    def rollbacks(self) -> Path:
        """The record of rollbacks since the last run published."""
        return self.root / "rollbacks.json"

    @property
    def notified(self) -> Path:
        """The first failure that was sent to the webhook, until the recovery is sent."""
        return self.root / "notified.json"

    @property
    def keys(self) -> Path:
        """The keys to the endpoint, as hashes."""
        return self.root / "keys.json"

    @property
    def keys_lock(self) -> Path:
        """The lock that is taken while the keys are changed."""
        return self.root / "keys.lock"

    @property
    def landing(self) -> Path:
        """Pages read from a platform's API, one folder per run; the folders of the last runs are kept."""
        return self.root / "landing"

    @property
    def extracts(self) -> Path:
        """The files that a run loads; deleted when the run ends."""
        return self.landing / "extracts"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def building(self) -> Release:
        """The release that is being written; readers never see it."""
        return Release(self.published / "building")

    @property
    def releases(self) -> Path:
        return self.published / "releases"

    @property
    def deleting(self) -> Path:
        """Releases that are being deleted; moved here first, so that readers never see a partial one."""
        return self.published / "deleting"

    @property
    def deleted(self) -> Path:
        """The manifests of deleted releases, so that no release id is reused."""
        return self.published / "deleted"

    @property
    def latest(self) -> Path:
        """A symbolic link to the live release, replaced atomically."""
        return self.published / "latest"

    def release(self, release_id: str) -> Release:
        return Release(self.releases / release_id)


def default_home() -> Path:
    """`data/` in the checkout that this code runs from; for installed code `./pathstats-data/`.

    Installed code is deleted with its environment, so it is not a place for data.
    """
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "data").is_dir():
        return checkout / "data"
    return Path("pathstats-data")


def home_at(given: str | Path | None = None) -> Home:
    """The home: what was given, else PATHSTATS_HOME, else the default one.

    Absolute, so that it stays the same folder when the process moves to another one.
    Raises: UsageError if it is an address, such as s3://bucket.
    """
    place = str(given or os.environ.get("PATHSTATS_HOME") or default_home())
    if address := _ADDRESS.match(place):
        scheme, rest = address[0].removesuffix("/"), place[address.end() :].lstrip("/")
        raise UsageError(
            f"{scheme}//{rest} can't be a home, which is a folder on this machine; "
            "give --home or PATHSTATS_HOME the path of one."
        )
    return Home(Path(place).absolute())
