"""Every place where a run is killed. The kills of one list follow each other, then it is left alone."""

from tests.helpers.killed_runs import Kill

TABLES = (
    "path_session_stats",
    "step_stats",
    "attempts",
    "session_summary",
    "status_changes",
    "users",
    "path_sessions",
    "quarantine",
)


def at_step(name: str, when: str = "after", nth: int = 1) -> Kill:
    """A kill at an SQL step with the words in its name."""
    return Kill("flows.database.connection:logged", when, nth, name)


_LOADS = [
    Kill("flows.pipeline:extract", "before"),
    Kill("flows.pipeline:delivered"),
    at_step("read staging_"),
    at_step("declare staging_"),
    at_step("hash the keys"),
    Kill("flows.staging.load:load"),
]
_ALL_LOADS = [Kill("flows.staging.load:load", "after", nth) for nth in range(1, 7)]
_IN_MERGE = [
    at_step("add the rejected rows"),
    at_step("add the pending rows"),
    at_step("store the quarantine"),
    Kill("flows.pipeline:tables_in", "before"),
]
_EACH_TABLE = [
    Kill("pyarrow.parquet:ParquetWriter.close", when, 1, f"/{name}.parquet")
    for name in TABLES
    for when in ("before", "after")
]
_INDEX = [
    Kill("flows.release.lookup_index:LookupIndex.__enter__"),
    Kill("flows.release.lookup_index:LookupIndex.add_responses", "before"),
    Kill("flows.release.lookup_index:LookupIndex.add_responses"),
    Kill("flows.release.lookup_index:LookupIndex.__exit__", "before"),
    Kill("flows.release.lookup_index:LookupIndex.__exit__"),
]
_DICTIONARY = [Kill("pathlib:Path.write_text", when, 1, "data_dictionary") for when in ("before", "after")]
_REPORT = [Kill("pathlib:Path.write_text", when, 1, "report.html") for when in ("before", "after")]
_UNTIL_THE_NAME = [
    Kill("flows.release.checksums:_described", "before", 1, "lookup.sqlite"),
    Kill("pathlib:Path.write_text", "before", 1, "manifest.json"),
    Kill("pathlib:Path.write_text", "after", 1, "manifest.json"),
    Kill("pathlib:Path.rename", "before", 1, "building"),
]
_FROM_THE_NAME_ON = [
    Kill("pathlib:Path.rename", "after", 1, "building"),
    Kill("os:replace", "before", 1, "latest.new"),
    Kill("os:replace", "after", 1, "latest.new"),
    at_step("record the release", "before"),
    at_step("forget old changes", "after", 5),
]
_IN_RETENTION = [
    Kill("flows.release.retention:_taken_out", "before"),
    Kill("flows.release.retention:_taken_out"),
    Kill("flows.release.retention:_keep_manifest"),
    Kill("os:unlink", "after", 2, "parquet"),
    Kill("shutil:rmtree", "after", 1, "deleting"),
    Kill("flows.release.retention:delete_beyond"),
]


def _chains(kills: list[Kill], length: int) -> list[list[Kill]]:
    return [kills[first : first + length] for first in range(0, len(kills), length)]


# Before a release has its name, a run that is killed further on has got over the kill before.
BY_CHANGES = [
    *_chains([*_LOADS, *_IN_MERGE, at_step("insert the changed rows"), *_EACH_TABLE[:8], *_INDEX], 6),
    [*_DICTIONARY, *_REPORT, *_UNTIL_THE_NAME],
    *_chains([*_FROM_THE_NAME_ON, *_IN_RETENTION], 1),
]
IN_FULL = [
    [at_step("store ", "after", nth) for nth in (1, 3, 6)],
    [*_UNTIL_THE_NAME[2:], _FROM_THE_NAME_ON[0]],
    *_chains(_FROM_THE_NAME_ON[2:4], 1),
]
AT_FIRST = [
    [*_LOADS[:1], *_ALL_LOADS, *_IN_MERGE[2:]],
    _EACH_TABLE[8:],
    [*_UNTIL_THE_NAME[1:], *_FROM_THE_NAME_ON[:2]],
    *_chains(_FROM_THE_NAME_ON[2:4], 1),
]
