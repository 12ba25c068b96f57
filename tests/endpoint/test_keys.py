"""A key's life: made, shown once, listed, taken by a running server, revoked."""

import json
import os
import re
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pathstats.endpoint import keys
from pathstats.endpoint.key_cache import KeyCache
from schemas.errors import HomeUnreadable, UsageError
from schemas.home import Home
from tests.endpoint.conftest import STATS
from tests.helpers.server_process import Headers, Server, asking
from tests.helpers.shell import pathstats

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


def shell(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}
    return pathstats("keys", *arguments, "--home", str(home), env=env)


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_key_is_created_used_and_revoked_while_the_server_runs(
    home: Path, server: Server, acme: Headers
) -> None:
    made = shell(home, "create", "--company", "acme", "--name", "the dashboard")
    key = made.stdout.removesuffix("\n")
    assert made.returncode == 0
    found = re.fullmatch(r"ps_([0-9a-f]{8})_[0-9a-f]{64}", key)
    assert found
    key_id = found[1]
    assert key not in made.stderr
    assert f"Key {key_id} opens acme." in made.stderr

    assert server.client.get(STATS, headers=asking("acme", key)).status_code == 200
    assert server.client.get(STATS, headers=asking("zen", key)).status_code == 401

    listed = shell(home, "list")
    (line,) = (line for line in listed.stdout.splitlines() if key_id in line)
    assert re.fullmatch(rf"{key_id} +acme +the dashboard +\d{{4}}-\d\d-\d\d \d\d:\d\d +– *", line)
    in_json = {
        messages["key_id"]: messages for messages in json.loads(shell(home, "list", "--json").stdout)["keys"]
    }
    assert in_json[key_id].keys() == {"key_id", "company_id", "name", "created_at", "revoked_at"}
    assert in_json[key_id]["revoked_at"] is None

    revoked = shell(home, "revoke", key_id)
    assert (revoked.returncode, revoked.stderr) == (0, "")
    assert server.client.get(STATS, headers=asking("acme", key)).status_code == 401
    assert server.client.get(STATS, headers=acme).status_code == 200
    in_json = {
        messages["key_id"]: messages for messages in json.loads(shell(home, "list", "--json").stdout)["keys"]
    }
    assert in_json[key_id]["revoked_at"] is not None

    again = shell(home, "revoke", key_id)
    assert (again.returncode, again.stderr) == (0, "")
    assert "was revoked already" in again.stdout


def test_wrong_usage_is_one_sentence(home: Path, tmp_path: Path) -> None:
    for place, arguments, output, code in (
        (home, ("create",), "several companies", 2),
        (tmp_path / "empty", ("create",), "contains no release yet", 4),
        (home, ("create", "--company", " "), "needs a company", 2),
        (home, ("revoke", "no-such-id"), "no key of that id", 4),
    ):
        done = shell(place, *arguments)
        assert done.returncode == code
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert output in line


def test_key_of_an_unknown_company_is_made_with_a_warning(home: Path) -> None:
    """Its first run may be still to come."""
    made = shell(home, "create", "--company", "akme")
    assert made.returncode == 0
    assert "has no company 'akme'" in made.stderr
    key = made.stdout.strip()
    assert KeyCache(Home(home)).opens("akme", key)


def test_only_a_hash_is_kept_and_for_the_owner_alone(place: Home) -> None:
    _, text = keys.create(place, "acme", "x", NOW)
    secret = text.rpartition("_")[2]
    for file in place.root.iterdir():
        assert secret.encode() not in file.read_bytes()
    assert stat.S_IMODE(place.keys.stat().st_mode) == 0o600
    before = os.umask(0)
    try:
        keys.create(place, "acme", "y", NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(place.keys.stat().st_mode) == 0o600
    assert sorted(file.name for file in place.root.iterdir()) == ["keys.json", "keys.lock"]


def test_no_two_keys_are_alike(place: Home) -> None:
    made = [keys.create(place, "acme", "", NOW) for _ in range(50)]
    assert len({key.key_id for key, _ in made}) == 50
    assert len({text[-64:] for _, text in made}) == 50


def test_the_same_key_to_another_company_has_another_hash() -> None:
    assert keys.key_hash("acme", "k") != keys.key_hash("zen", "k")
    assert keys.key_hash("acme", "k") != keys.key_hash("acme", "K")


def test_made_at_once_none_is_lost(place: Home) -> None:
    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(lambda n: keys.create(place, f"c{n}", "", NOW)[1], range(24)))
    keyring = KeyCache(place)
    assert all(keyring.opens(f"c{n}", text) for n, text in enumerate(texts))


def test_a_change_that_dies_half_way_leaves_the_keys_as_they_were(
    place: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = keys.create(place, "acme", "", NOW)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            keys.create(place, "zen", "", NOW)
    keyring = KeyCache(place)
    assert keyring.opens("acme", text)
    assert [key.company_id for key in keys.read(place)] == ["acme"]
    keys.create(place, "zen", "", NOW)
    assert [key.company_id for key in keys.read(place)] == ["acme", "zen"]


def test_without_a_file_nothing_opens(place: Home) -> None:
    keyring = KeyCache(place)
    assert keyring.is_empty()
    assert not keyring.opens("acme", "")
    assert not keyring.opens("", "")
    _, text = keys.create(place, "acme", "", NOW)
    assert keyring.opens("acme", text)
    place.keys.unlink()
    assert not keyring.opens("acme", text)


@pytest.mark.parametrize(
    "damaged",
    ["", "{}x", '{"a": 1}', "[1]", '[{"key_id": "a"}]', "\udcff"],
    ids=["empty", "no JSON", "an object", "no objects", "fields missing", "no UTF-8"],
)
def test_damaged_key_file_opens_nothing_and_is_reported(place: Home, damaged: str) -> None:
    _, text = keys.create(place, "acme", "", NOW)
    keyring = KeyCache(place)
    assert keyring.opens("acme", text)
    place.keys.write_bytes(damaged.encode("utf-8", "surrogateescape"))
    for _ in range(2):
        with pytest.raises(HomeUnreadable, match=r"keys\.json is damaged"):
            keyring.opens("acme", text)
    with pytest.raises(HomeUnreadable):
        keys.create(place, "acme", "", NOW)
    assert place.keys.read_bytes() == damaged.encode("utf-8", "surrogateescape")


def test_invalid_hash_is_damage(place: Home) -> None:
    _, text = keys.create(place, "acme", "", NOW)
    messages = json.loads(place.keys.read_text())
    place.keys.write_text(json.dumps([{**messages[0], "hash": "no hash"}]))
    with pytest.raises(HomeUnreadable):
        KeyCache(place).opens("acme", text)


@pytest.mark.parametrize("company", ["", " ", "a\0b", "a\nb"])
def test_a_company_must_be_one(place: Home, company: str) -> None:
    with pytest.raises(UsageError):
        keys.create(place, company, "", NOW)
    assert not place.keys.exists()


def test_every_check_of_a_key_takes_the_same_steps(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash and one comparison of 32 bytes in every case: the time reveals nothing."""
    _, text = keys.create(place, "acme", "", NOW)
    revoked, other = keys.create(place, "acme", "", NOW)
    keys.revoke(place, revoked.key_id, NOW)
    compared: list[tuple[int, int]] = []
    monkeypatch.setattr(
        "hmac.compare_digest", lambda one, two: bool(compared.append((len(one), len(two)))) or one == two
    )
    keyring = KeyCache(place)
    asked = [("acme", text), ("acme", other), ("zen", text), ("acme", ""), ("", ""), ("acme", "x" * 999)]
    assert [keyring.opens(*it) for it in asked] == [True, False, False, False, False, False]
    assert compared == [(32, 32)] * len(asked)
