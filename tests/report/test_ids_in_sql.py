"""Ids that would end or change an SQL literal: reports pass them as parameters, and show queries that run."""

import re
import shutil
from html import unescape
from pathlib import Path

import polars as pl
import pytest

from flows.report.release_views import opened
from flows.report.report_page import Run, company_report
from flows.report.session_page import page_of
from flows.report.session_rows import of_company, rows_of
from schemas.home import PARQUET_TABLES, Release
from schemas.manifest import Manifest
from tests.helpers.one_run import AS_OF
from tests.helpers.training_company import data_of

ENDINGS = ["'", "''", "\0", "\n", "'; DROP TABLE users; --", "$soon", "\\", "\u2028", '"']
IDS = {"acme": "acme", "u1": "u1", "u2": "u2", "S1": "S1"}


@pytest.fixture(params=ENDINGS, ids=repr)
def renamed(request: pytest.FixtureRequest, release: Release, tmp_path: Path) -> tuple[Release, str]:
    """The training's release with the ending inside its company, two learners and a session; the ending."""
    copy = Release(shutil.copytree(release.folder, tmp_path / "release"))
    names = {name: f"{name}{request.param}!" for name in IDS}
    for table in PARQUET_TABLES:
        frame = pl.read_parquet(copy.table(table), hive_partitioning=False)
        ids = [name for name in ("company_id", "user_id", "session_id") if name in frame.columns]
        frame.with_columns(pl.col(ids).replace(names)).write_parquet(copy.table(table))
    return copy, request.param


def test_report_of_such_ids_lists_the_same_learners(renamed: tuple[Release, str], html: str) -> None:
    release, ending = renamed
    facts = Manifest.read(release.manifest)
    company = f"acme{ending}!"
    run = Run(AS_OF, {company: facts.companies["acme"]}, facts.tables_in, None, {}, [])
    with opened(release) as connection:
        page = company_report(connection, company, run, with_names=True)
        queries = [unescape(found) for found in re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)]
        assert [len(connection.rows(sql.rstrip(";"))) for sql in queries] == [3, 4, 1, 1]
    there, usual = data_of(page), data_of(html)
    assert [[row[1].replace(f"{ending}!", "") for row in group["rows"]] for group in there["attention"]] == [
        [row[1] for row in group["rows"]] for group in usual["attention"]
    ]
    assert there["people"][f"u1{ending}!"] == ["First u1", "u1@example.org"]


def test_query_of_a_session_page_runs(renamed: tuple[Release, str], monkeypatch: pytest.MonkeyPatch) -> None:
    release, ending = renamed
    monkeypatch.setattr("flows.report.session_page._LEARNERS", 3)
    company, session = f"acme{ending}!", f"S1{ending}!"
    (facts,) = of_company(release, company, "path_sessions").filter(session_id=session).collect().to_dicts()
    (rows,) = rows_of(release, company, [session], with_names=False)
    page = page_of(facts, rows, AS_OF, with_names=False)
    (sql,) = [unescape(found) for found in re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)]
    with opened(release) as connection:
        assert len(connection.rows(sql.rstrip(";"))) == 8 * 4
