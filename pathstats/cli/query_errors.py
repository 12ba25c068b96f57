"""DuckDB's error about a query as one sentence without data."""

import re

# DuckDB's own words are of settings that a person has not made.
_SENTENCES = {
    "file system operations are disabled": "A query can't read or write files, attach databases or load "
    "extensions, only use the release's tables; --allow-write allows it.",
    "Loading external extensions is disabled": "A query can't load extensions; --allow-write allows it.",
    "the configuration has been locked": "A query can't change settings of DuckDB; --allow-write allows it.",
}
_CLASS = re.compile(r"^(?:[A-Z][\w-]* )+Error: ")
_QUOTED = re.compile(r"(['\"])(.*)\1")


def error_sentence(error: Exception, sql: str) -> str:
    """The sentence. Of DuckDB's quotations only words of the query stay: other words may be data."""
    for words, sentence in _SENTENCES.items():
        if words in str(error):
            return sentence
    # Below an empty line, or a line number, it draws the query.
    first = re.split(r"\n\s*\n|\nLINE \d+:", str(error))[0]
    words = _CLASS.sub("", " ".join(first.split()))
    cleaned = words if _is_without_data(error) else _without_data(words, sql)
    return f"DuckDB can't run this query: {cleaned.rstrip('.!')}."


def _is_without_data(error: Exception) -> bool:
    """Whether the error comes before data is read, or quotes names of files only."""
    import duckdb

    of_the_query = duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException
    return isinstance(error, of_the_query | duckdb.IOException)


def _without_data(words: str, sql: str) -> str:
    """The words with … between the first quotation mark and the last one, unless that is in the query too.

    Not each quotation alone: a value may contain quotation marks.
    """
    quoted = _QUOTED.search(words)
    if quoted is None or quoted[2] in sql:
        return words
    return f"{words[: quoted.start()]}{quoted[1]}…{quoted[1]}{words[quoted.end() :]}"
