"""The home after the first run of the small company, made once."""

import shutil
from pathlib import Path

import pytest

from tests.helpers.extractions import extracted
from tests.helpers.small_company import small_company


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first-run")
    extracted(small_company(), folder)
    return folder


@pytest.fixture
def kept(first_run: Path, tmp_path: Path) -> Path:
    """Its landing, to go on from."""
    return Path(shutil.copytree(first_run, tmp_path / "kept"))
