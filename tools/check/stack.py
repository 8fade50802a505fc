"""The local stack as a child process: `cargo run -- serve`, ended by its own process group."""

import contextlib
import json
import tempfile
import time
from pathlib import Path

from .programs import cargo, child, clean_environment
from .report import ROOT, Failed

# The recorded events are signed for this instant.
NOW = "2026-01-05T12:00:00Z"
# A cold debug build on two cores.
START_SECONDS = 1200
COMMAND = cargo("run", "--quiet", "--locked", "--", "serve", "--port", "0", "--now", NOW, "--ready-json")


def ready_line(process, log):
    """The line of JSON by which the stack says that it is ready."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        ended = process.poll()
        for line in log.read_text(errors="replace").splitlines(keepends=True):
            if line.startswith('{"base_url"') and line.endswith("\n"):
                return json.loads(line)
        if ended is not None:
            raise Failed(f"the local stack ended before it was ready (code {ended}):\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)
    raise Failed(f"the local stack was not ready within {START_SECONDS} s; see target/{log.name}")


@contextlib.contextmanager
def local_stack(*options):
    """Runs it with more options of `serve`; yields the ready line: `base_url`, `control_url`, and `env`, the whole local configuration.

    `log` beside them is the file of what it prints, which stays when a check fails.
    """
    # A file and not a pipe: a pipe that nobody empties stops the stack in the middle of a log line.
    folder = ROOT / "target"
    folder.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix="check-stack-", suffix=".log", dir=folder, delete=False) as file:
        log = Path(file.name)
        with child([*COMMAND, *options], file, clean_environment()) as process:
            yield ready_line(process, log) | {"log": log}
    log.unlink()
