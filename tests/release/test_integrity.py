"""Verifying: each file that is missing, additional or changed is named; a sound release has none."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.release import integrity
from flows.release.integrity import Fault, verify, verify_all
from schemas.home import Home, Release
from tests.helpers.home_with_releases import edit_manifest, home_with_one_release, runs

FIRST = "20260310T000000Z-1"


@pytest.fixture(scope="module")
def published_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return home_with_one_release(tmp_path_factory.mktemp("once")).root


@pytest.fixture
def home(published_once: Path, tmp_path: Path) -> Home:
    shutil.copytree(published_once, tmp_path / "home", symlinks=True)
    return Home(tmp_path / "home")


def test_an_intact_release_has_no_fault(home: Home) -> None:
    release = home.release(FIRST)
    files = [file for file in release.folder.iterdir() if file != release.manifest]
    verified = verify(release)
    assert verified.faults == []
    assert (verified.files, verified.bytes) == (len(files), sum(file.stat().st_size for file in files))


def remove(release: Release) -> None:
    release.table("users").unlink()


def add(release: Release) -> None:
    (release.folder / ".users.parquet.swp").write_text("")


def add_a_folder(release: Release) -> None:
    (release.folder / "old").mkdir()


def cut(release: Release) -> None:
    file = release.table("users")
    file.write_bytes(file.read_bytes()[:-1])


def one_other_bit(release: Release) -> None:
    file = release.lookup_index
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def pipe_for_a_file(release: Release) -> None:
    """Who opened it would wait for ever."""
    release.data_dictionary.unlink()
    os.mkfifo(release.data_dictionary)


def without_manifest(release: Release) -> None:
    release.manifest.unlink()


def torn_manifest(release: Release) -> None:
    release.manifest.write_bytes(release.manifest.read_bytes()[:-20])


def another_s_manifest(release: Release) -> None:
    edit_manifest(release, release_id="20260309T000000Z-1")


@pytest.mark.parametrize(
    ("damage", "file", "kind", "detail"),
    [
        (remove, "users.parquet", "missing", ""),
        (add, ".users.parquet.swp", "additional", ""),
        (add_a_folder, "old", "additional", ""),
        (cut, "users.parquet", "changed", "bytes, published with"),
        (one_other_bit, "lookup.sqlite", "changed", "as many bytes as published, but other ones"),
        (pipe_for_a_file, "data_dictionary.md", "changed", "not a file"),
        (without_manifest, "manifest.json", "missing", ""),
        (torn_manifest, "manifest.json", "changed", "unreadable"),
        (another_s_manifest, "manifest.json", "changed", "another release's"),
    ],
)
def test_verify_finds_a_single_fault(
    home: Home, damage: Callable[[Release], None], file: str, kind: str, detail: str
) -> None:
    damage(home.release(FIRST))
    (fault,) = verify(home.release(FIRST)).faults
    assert (fault.file, fault.kind) == (file, kind)
    assert detail in fault.detail


def test_every_fault_is_named(home: Home) -> None:
    release = home.release(FIRST)
    for damage in (remove, add, one_other_bit):
        damage(release)
    verified = verify(release)
    assert [(fault.file, fault.kind) for fault in verified.faults] == [
        (".users.parquet.swp", "additional"),
        ("lookup.sqlite", "changed"),
        ("users.parquet", "missing"),
    ]
    assert verified.named("missing") == ["users.parquet"]


def test_verify_goes_on_after_an_unreadable_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def rejected(file: Path, *how: Any, **more: Any) -> object:
        if file.name == "users.parquet":
            raise PermissionError(13, "Permission denied")
        return opened(file, *how, **more)

    monkeypatch.setattr(Path, "open", rejected)
    assert verify(home.release(FIRST)).faults == [
        Fault("users.parquet", "changed", "can't be read (Permission denied)")
    ]


def test_verify_checks_all_releases_and_reports_invalid_manifests(home: Home) -> None:
    early, late = runs(home, 1, 2)
    remove(home.release(early))
    without_manifest(home.release(late))
    (home.releases / "notes").mkdir()
    found = {it.release_id: [fault.kind for fault in it.faults] for it in verify_all(home)}
    assert found == {FIRST: [], early: ["missing"], late: ["missing"]}
    assert list(found) == [FIRST, early, late]


def test_release_deleted_during_verify_is_not_damaged(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    early, late = runs(home, 1, 2)
    read = integrity._difference

    def deleted_meanwhile(file: Path, out: object) -> str:
        if file.parent.name == late:
            shutil.rmtree(home.release(late).folder, ignore_errors=True)
            shutil.rmtree(home.release(early).folder, ignore_errors=True)
        return read(file, out)  # type: ignore[arg-type]

    monkeypatch.setattr(integrity, "_difference", deleted_meanwhile)
    assert [(it.release_id, it.faults) for it in verify_all(home)] == [(FIRST, [])]
