"""The sources of the settings, and the errors for wrong ones."""

from pathlib import Path

import pytest

from flows.sources.learning360.settings import FILE_NAMED_BY, PREFIX, Settings
from flows.sources.registry import open_source
from schemas.errors import UsageError

SECRET = "s3cret-of-the-file"
FILE = f"""
[360learning]
company_id = "acme"
client_id = "client-of-the-file"
client_secret = "{SECRET}"
requests_per_second = 10
skip = ["classrooms"]

[another-program]
color = "blue"
"""


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("BASE_URL", "COMPANY_ID", "CLIENT_ID", "CLIENT_SECRET", "SUBSCRIPTION", "SKIP"):
        monkeypatch.delenv(PREFIX + name, raising=False)
    monkeypatch.delenv(FILE_NAMED_BY, raising=False)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pathstats.toml").write_text(FILE, "utf-8")
    monkeypatch.setenv(f"{PREFIX}COMPANY_ID", "umbrella")
    monkeypatch.setenv(f"{PREFIX}SKIP", "stats, assessments")
    monkeypatch.setenv(f"{PREFIX}CLIENT_SECRET", "")
    settings = Settings.read()
    assert (settings.company_id, settings.requests_per_second) == ("umbrella", 10)
    assert settings.skip == {"stats", "assessments"}
    assert settings.client_secret.get_secret_value() == SECRET
    assert settings.base_url == "https://app.360learning.com"
    assert SECRET not in repr(settings)
    assert "client-of-the-file" not in repr(settings)


def test_another_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.toml").write_text(FILE, "utf-8")
    monkeypatch.setenv(FILE_NAMED_BY, str(tmp_path / "elsewhere.toml"))
    assert Settings.read().company_id == "acme"
    monkeypatch.setenv(FILE_NAMED_BY, "nowhere.toml")
    with pytest.raises(UsageError, match=r"nowhere\.toml, which PATHSTATS_CONFIG"):
        Settings.read()


def test_missing_settings_are_all_named_at_once() -> None:
    with pytest.raises(UsageError) as raised:
        open_source("360learning")
    assert str(raised.value) == (
        "Settings of the source 360learning are missing or wrong: company_id is missing; client_id is "
        "missing; client_secret is missing. Set each as PATHSTATS_360LEARNING_… in the environment, or in "
        "the table [360learning] of pathstats.toml."
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("base_url", "http://app.360learning.com", "base_url: value error, it must have the form https://"),
        ("base_url", "https://me:pw@app.360learning.com", "base_url: value error"),
        ("base_url", "https://app.360learning.com/api/v2", "base_url: value error"),
        ("base_url", "app.360learning.com", "base_url: value error"),
        ("requests_per_second", "0", "requests_per_second: input should be greater than 0"),
        ("requests_per_second", "51", "requests_per_second: input should be less than or equal to 50"),
        (
            "skip",
            "users",
            "skip: input should be 'courses', 'catalog', 'classrooms', 'assessments' or 'stats'",
        ),
        ("overlap_minutes", "0.01", "overlap_minutes: input should be greater than or equal to"),
        ("subscription", "my-hook", "subscription: string should match pattern"),
        ("keep_landings", "0", "keep_landings: input should be greater than or equal to 1"),
    ],
)
def test_wrong_setting_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    Path("pathstats.toml").write_text(FILE, "utf-8")
    monkeypatch.setenv(PREFIX + name.upper(), value)
    with pytest.raises(UsageError, match=sentence) as raised:
        Settings.read()
    assert "pw@" not in str(raised.value)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8361", "http://localhost:1", "https://app.us.360learning.com/"]
)
def test_addresses_of_platforms(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Without encryption only to this machine itself: a secret goes there."""
    Path("pathstats.toml").write_text(FILE, "utf-8")
    monkeypatch.setenv(f"{PREFIX}BASE_URL", url)
    assert Settings.read().base_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[360learning\n", "pathstats.toml is not TOML"),
        (
            f'[360learning]\nclient_secrte = "{SECRET}"',
            "has no setting 'client_secrte'; the settings are base_url, ",
        ),
        ('360learning = "yes"', "360learning must be a table"),
        (b"\xff\xfe", "pathstats.toml can't be read"),
    ],
)
def test_a_file_that_is_wrong(content: str | bytes, sentence: str) -> None:
    Path("pathstats.toml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=sentence) as raised:
        Settings.read()
    assert SECRET not in str(raised.value)


def test_example_file_has_every_setting_and_no_secret() -> None:
    import tomllib

    example = Path(__file__).parents[2] / "pathstats.example.toml"
    text = example.read_text("utf-8")
    named = {line.lstrip("# ").partition(" = ")[0] for line in text.splitlines() if " = " in line}
    assert named == set(Settings.model_fields)
    assert tomllib.loads(text)["360learning"]["client_secret"] == ""
    ignored = (example.parent / ".gitignore").read_text("utf-8").splitlines()
    assert "pathstats.toml" in ignored


def test_the_source_takes_no_options() -> None:
    with pytest.raises(UsageError, match="takes no options"):
        open_source("360learning:client_secret=x")
