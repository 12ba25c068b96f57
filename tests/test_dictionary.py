"""The data dictionary in the repository is the one the schemas give."""

from pathlib import Path

from schemas.dictionary import data_dictionary

_FILE = Path(__file__).parent.parent / "data" / "README.md"


def test_the_committed_dictionary_is_up_to_date() -> None:
    assert _FILE.read_text("utf-8") == data_dictionary(), "run `make dictionary`"
