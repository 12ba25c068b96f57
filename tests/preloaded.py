"""What takes long to import or to compile, for a process that others are forked of.

Nothing here runs a query: a process that is forked after polars has run one hangs.
"""

import gc
from importlib import import_module

from flows.reporting.pages import templates
from flows.warehouse.duck import CONFIG

for name in (
    "duckdb",
    "filelock",
    "flows.notices",
    "flows.publishing.lookup_index",
    "flows.publishing.retention",
    "flows.publishing.tables",
    "flows.sources.opening",
    "flows.warehouse.accepting",
    "rich.console",
    "schemas.outputs",
    "transforms.answers",
    "transforms.validity",
    "typer",
):
    import_module(name)
for template in templates().list_templates(extensions=["jinja"]):
    templates().get_template(template)
# As in conftest.
CONFIG["threads"] = 1
# What the garbage collector looks through, a fork copies.
gc.freeze()
