"""What tests in several folders share."""

from pathlib import Path

import pytest

from schemas.home import Release
from tests.reporting.training import published, training


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The training, published for 8 and for 10 March; ids only."""
    return published(tmp_path_factory.mktemp("training"), training())


@pytest.fixture(scope="session")
def html(release: Release) -> str:
    return Path(release.report).read_text("utf-8")
