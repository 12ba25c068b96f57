"""`pathstats` as a shell runs it: a process of its own.

It is a fork of one that has imported what is slow to import, which takes longer than most commands.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.helpers.preload"])


def pathstats(*arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The command, run to its end within a minute, with its output."""
    with TemporaryDirectory() as folder:
        out, error = Path(folder, "out"), Path(folder, "error")
        process = _forks.Process(target=_run, args=(arguments, dict(env), str(out), str(error)))
        process.start()
        process.join(60)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"pathstats {' '.join(arguments)} has not ended")
        return subprocess.CompletedProcess(arguments, process.exitcode, out.read_text(), error.read_text())


def _run(arguments: tuple[str, ...], env: dict[str, str], out: str, error: str) -> None:
    os.environ.clear()
    os.environ.update(env)
    for number, file in ((1, out), (2, error)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.argv = ["pathstats", *arguments]
    from pathstats.cli.main import main

    main()
