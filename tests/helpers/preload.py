"""Import modules that take long to import or to compile, before other processes are forked of this one.

Nothing here runs a query: a process that is forked after polars has run one hangs.
"""

import gc
from importlib import import_module

from flows.database.connection import CONFIG
from flows.report.render import templates

for name in (
    "duckdb",
    "filelock",
    "flows.ops.notifications",
    "flows.release.lookup_index",
    "flows.release.retention",
    "flows.release.parquet_writer",
    "flows.sources.registry",
    "flows.warehouse.merge",
    "rich.console",
    "schemas.outputs",
    "transforms.response_body",
    "transforms.valid_until",
    "typer",
):
    import_module(name)
for template in templates().list_templates(extensions=["jinja"]):
    templates().get_template(template)
# As in conftest.
CONFIG["threads"] = 1
# What the garbage collector looks through, a fork copies.
gc.freeze()
