"""Read the settings of a platform from the environment or `pathstats.toml`."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from flows.sources.learning360.resources import Skippable
from schemas.errors import UsageError

TABLE = "360learning"
PREFIX = "PATHSTATS_360LEARNING_"
FILE = "pathstats.toml"
# The environment variable that names another file than the one in the working folder.
FILE_NAMED_BY = "PATHSTATS_CONFIG"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not parts.hostname or parts.path.strip("/") or parts.query or "@" in parts.netloc:
        raise ValueError("it must have the form https://app.360learning.com")
    return f"{parts.scheme}://{parts.netloc}"


def _names(given: Any) -> Any:
    """The names as a list: the environment has text such as `classrooms, stats`, a file has a list."""
    return [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given


class Settings(BaseSettings):
    """The platform's URL, the credentials, and how to read it.

    The field names are the keys of the file's table `[360learning]`. Environment variables
    (PATHSTATS_360LEARNING_BASE_URL and so on) override the file.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    base_url: Annotated[str, AfterValidator(_origin)] = "https://app.360learning.com"
    company_id: str = Field(min_length=1)
    client_id: SecretStr = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    requests_per_second: float = Field(20, gt=0, le=50)
    skip: Annotated[frozenset[Skippable], NoDecode, BeforeValidator(_names)] = frozenset()
    # The platform's filters have a precision of a second, and its clock differs from ours.
    overlap_minutes: float = Field(5, ge=1 / 60)
    full_every_days: int = Field(7, ge=0)
    subscription: str | None = Field(None, pattern="^[0-9a-fA-F]{24}$")
    corrections_file: Path | None = None
    keep_landings: int = Field(7, ge=1)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, InitSettingsSource(settings_cls, _of_file())

    @classmethod
    def read(cls) -> "Settings":
        """Read the settings.

        Raises: UsageError, naming each setting that is missing or wrong, but not its value.
        """
        try:
            return cls()
        except ValidationError as error:
            wrong = "; ".join(_wrong(fault["loc"], fault["msg"], fault["type"]) for fault in error.errors())
            raise UsageError(
                f"Settings of the source 360learning are missing or wrong: {wrong}. Set each as {PREFIX}… in "
                f"the environment, or in the table [{TABLE}] of {FILE}."
            ) from None

    @property
    def is_loopback(self) -> bool:
        return urlsplit(self.base_url).hostname in _LOOPBACK


def _wrong(place: tuple[int | str, ...], message: str, kind: str) -> str:
    name = str(place[0])
    return f"{name} is missing" if kind == "missing" else f"{name}: {message[0].lower()}{message[1:]}"


def _of_file() -> dict[str, Any]:
    named = os.environ.get(FILE_NAMED_BY)
    file = Path(named or FILE).expanduser()
    try:
        table = tomllib.loads(file.read_text("utf-8")).get(TABLE, {})
    except FileNotFoundError as error:
        if named:
            raise UsageError(f"{file}, which {FILE_NAMED_BY} names, does not exist.") from error
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file} can't be read; correct it, or name another file with {FILE_NAMED_BY}."
        ) from error
    except tomllib.TOMLDecodeError:
        raise UsageError(f"{file} is not TOML; compare it with pathstats.example.toml.") from None
    if not isinstance(table, dict):
        raise UsageError(f"{file}: {TABLE} must be a table, [{TABLE}].")
    known = set(Settings.model_fields)
    unknown = sorted(set(table) - known)
    if unknown:
        names = ", ".join(sorted(known))
        raise UsageError(f"{file}: [{TABLE}] has no setting {unknown[0]!r}; the settings are {names}.")
    return table
