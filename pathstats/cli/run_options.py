"""Options of the command line made from the fields of `RunConfig`, so that each is declared once."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from flows.run_config import RunConfig, Thresholds

_FOR_ONE_RUN = ("full_refresh", "allow_shrink", "allow_vanished", "allow_missing_columns")
_PANEL_OF_THRESHOLDS = "Quality thresholds"
Command = Callable[..., None]


def run_options(*names: str, required: str | None = None) -> Callable[[Command], Command]:
    """Give a command an option for each of these fields; it is called with their values as `options`.

    required: the field that must be given.
    """

    def with_options(command: Command) -> Command:
        @functools.wraps(command)
        def called(**given: Any) -> None:
            options = {name: given.pop(name) for name in names}
            command(**given, options=options)

        own = [
            it.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for it in inspect.signature(command).parameters.values()
            if it.name != "options"
        ]
        parameters = [_parameter(name, is_required=name == required) for name in names]
        called.__signature__ = inspect.Signature([*parameters, *own])  # type: ignore[attr-defined]
        called.__annotations__ = {it.name: it.annotation for it in (*parameters, *own)}
        return called

    return with_options


def _parameter(name: str, *, is_required: bool) -> inspect.Parameter:
    field = RunConfig.model_fields[name]
    shown: dict[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    limits = {kind: getattr(it, kind) for it in field.metadata for kind in ("ge", "le") if hasattr(it, kind)}
    is_flag = field.annotation is bool
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        metavar=shown.get("metavar"),
        help=field.description,
        envvar=None if name in _FOR_ONE_RUN else f"PATHSTATS_{name.upper()}",
        min=limits.get("ge"),
        max=limits.get("le"),
        show_default=False if is_flag or is_required else shown.get("shown_default") or True,
        rich_help_panel=_PANEL_OF_THRESHOLDS if name in Thresholds.model_fields else None,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if is_required else field.default,
        annotation=Annotated[str if is_required else field.annotation, option],
    )
