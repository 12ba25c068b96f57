"""Every place where a night is killed. The kills of one list follow each other before the night is left alone."""

from tests.faults.killed_nights import Kill

TABLES = (
    "path_session_stats",
    "step_stats",
    "session_summary",
    "status_changes",
    "users",
    "path_sessions",
    "quarantine",
)
_LOADS = [
    Kill("flows.night:extract", "before"),
    Kill("flows.night:delivered"),
    Kill("flows.warehouse.loading:_read"),
    Kill("flows.warehouse.loading:_key"),
    Kill("flows.warehouse.loading:_fold"),
    Kill("flows.warehouse.loading:load"),
]
_ALL_LOADS = [Kill("flows.warehouse.loading:load", "after", nth) for nth in range(1, 7)]
_IN_ACCEPT = [
    Kill("flows.warehouse.accepting:_quarantine"),
    Kill("flows.warehouse.accepting:_list_waiting"),
    Kill("flows.warehouse.accepting:_keep_first_seen"),
    Kill("flows.warehouse.accepting:tables_in", "before"),
]
_EACH_TABLE = [
    Kill("flows.publishing.tables:TableWriter._write", when, 1, f"/{name}.parquet")
    for name in TABLES
    for when in ("before", "after")
]
_INDEX = [
    Kill("flows.publishing.lookup_index:LookupIndex._open"),
    Kill("flows.publishing.lookup_index:LookupIndex._answer", "before"),
    Kill("flows.publishing.lookup_index:LookupIndex._answer"),
    Kill("flows.publishing.lookup_index:LookupIndex._close", "before"),
    Kill("flows.publishing.lookup_index:LookupIndex._close"),
]
_DICTIONARY = [Kill("pathlib:Path.write_text", when, 1, "data_dictionary") for when in ("before", "after")]
_UNTIL_THE_NAME = [
    Kill("flows.publishing.release:_described", "before", 1, "lookup.sqlite"),
    Kill("pathlib:Path.write_text", "before", 1, "manifest.json"),
    Kill("pathlib:Path.write_text", "after", 1, "manifest.json"),
    Kill("pathlib:Path.rename", "before", 1, "building"),
]
_FROM_THE_NAME_ON = [
    Kill("pathlib:Path.rename", "after", 1, "building"),
    Kill("pathlib:Path.symlink_to", "before"),
    Kill("pathlib:Path.symlink_to"),
    Kill("os:replace", "before", 1, "latest.new"),
    Kill("os:replace", "after", 1, "latest.new"),
    Kill("flows.publishing.release:forget_rollbacks"),
    Kill("flows.warehouse.since_release:settle", "before"),
    Kill("flows.warehouse.touching:forget"),
    Kill("flows.warehouse.since_release:settle"),
]
_IN_RETENTION = [
    Kill("flows.publishing.retention:_taken_out", "before"),
    Kill("flows.publishing.retention:_taken_out"),
    Kill("flows.publishing.retention:_keep_manifest"),
    Kill("shutil:rmtree", "before", 1, "deleting"),
    Kill("shutil:rmtree", "after", 1, "deleting"),
    Kill("os:unlink", "after", 2, "parquet"),
    Kill("flows.publishing.retention:delete_beyond"),
]


def _in_threes(kills: list[Kill]) -> list[list[Kill]]:
    return [kills[first : first + 3] for first in range(0, len(kills), 3)]


def _one_by_one(kills: list[Kill]) -> list[list[Kill]]:
    return [[kill] for kill in kills]


# Before a release has its name, a run that is killed further on has got over the kill before.
BY_CHANGES = [
    *_in_threes([*_LOADS, *_IN_ACCEPT, Kill("flows.warehouse.accepting:_merge"), *_EACH_TABLE[:8], *_INDEX]),
    *_in_threes([*_DICTIONARY, *_UNTIL_THE_NAME]),
    *_one_by_one([*_FROM_THE_NAME_ON, *_IN_RETENTION]),
]
IN_FULL = [
    *_in_threes([Kill("flows.warehouse.accepting:_replace", "after", nth) for nth in (1, 3, 6)]),
    *_in_threes([*_UNTIL_THE_NAME[2:], *_DICTIONARY[1:]]),
    *_one_by_one(_FROM_THE_NAME_ON[3:9:2]),
]
AT_FIRST = [
    *_in_threes([*_LOADS[:1], *_ALL_LOADS, *_IN_ACCEPT[2:]]),
    *_in_threes(_EACH_TABLE[8:]),
    [*_UNTIL_THE_NAME[1:], *_FROM_THE_NAME_ON[:4]],
    [_FROM_THE_NAME_ON[4]],
    [_FROM_THE_NAME_ON[6]],
]
