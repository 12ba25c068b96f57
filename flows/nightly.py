"""The Prefect flow `nightly`: the stages of `flows.pipeline`, each as a visible task."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from prefect import flow, runtime, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from flows.ops import run_lines, run_parameters
from flows.ops.run_figures import markdown, table_rows
from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from schemas.errors import SourceUnavailable, Unreachable
from schemas.manifest import Manifest

RETRY_DELAYS_S: list[float] = [2, 10, 60]


def run_name() -> str:
    """`nightly-` and the date that the run's statistics are for, in UTC."""
    as_of = runtime.flow_run.parameters["config"].as_of or scheduled_time()
    return f"nightly-{as_of.astimezone(UTC):%Y-%m-%d}"


@flow(name="nightly", flow_run_name=run_name, validate_parameters=True, log_prints=False)
def nightly(config: RunConfig) -> dict[str, Any]:
    """Publish the statistics as of a time; without one, as of the time this run was scheduled for.

    `flows.ops.run_parameters` lists the options that a run of a deployment can't choose.
    Returns: release_id and as_of, as the manifest has them.
    """
    with run_lines.shown(runtime.flow_run.name) as show:
        if runtime.deployment.id is not None:
            run_parameters.check(config)
        config = config.model_copy(update={"as_of": config.as_of or scheduled_time()})
        manifest = run_pipeline(config, run=as_task)
        show(manifest)
    leave_artifacts(manifest)
    return {"release_id": manifest.release_id, "as_of": manifest.as_of}


def scheduled_time() -> datetime:
    """The time this run was scheduled for: a rerun of a run has the run's own time."""
    scheduled: datetime | None = runtime.flow_run.scheduled_start_time
    # Prefect's own datetime class: its differences are not timedeltas.
    moment = datetime.fromisoformat(scheduled.isoformat()) if scheduled else datetime.now(UTC)
    return moment.astimezone(UTC)


def as_task(name: str, stage: Callable[..., Any], *arguments: Any) -> Any:
    """Run a stage as a Prefect task; a source that may answer later is retried up to three times."""
    return task(
        name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(RETRY_DELAYS_S),
        retry_delay_seconds=RETRY_DELAYS_S,
        retry_condition_fn=may_help,
    )(stage)(*arguments)


async def may_help(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a retry can help: an address that never answered may be wrong, and a person waits for it.

    A scheduled run tries again then, too.
    """
    try:
        await state.aresult()
    except Unreachable:
        # Prefect sets this variable in a process that it starts for a flow run; `pathstats run` has none.
        return "PREFECT__FLOW_RUN_ID" in os.environ
    except SourceUnavailable:
        return True
    except Exception:
        return False
    return False


def leave_artifacts(manifest: Manifest) -> None:
    """The run's figures on Prefect's page."""
    create_markdown_artifact(markdown(manifest), key="run", description="The run in figures")
    create_table_artifact(table_rows(manifest), key="tables-in", description="The rows of each input table")
