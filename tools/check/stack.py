"""The local stack as a child process: `cargo run -- serve`, ended by its own process group."""

import contextlib
import json
import time

from .programs import child, clean_environment
from .report import ROOT, Failed

# The recorded events are signed for this instant.
NOW = "2026-01-05T12:00:00Z"
# A cold debug build on two cores.
START_SECONDS = 1200
# A file and not a pipe: a pipe that nobody empties stops the stack in the middle of a log line.
LOG = ROOT / "target" / "check-stack.log"
COMMAND = ["cargo", "run", "--quiet", "--locked", "--", "serve", "--port", "0", "--now", NOW, "--ready-json"]


def ready_line(process):
    """The line of JSON by which the stack says that it is ready."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        ended = process.poll()
        for line in LOG.read_text(errors="replace").splitlines(keepends=True):
            if line.startswith('{"base_url"') and line.endswith("\n"):
                return json.loads(line)
        if ended is not None:
            raise Failed(f"the local stack ended before it was ready (code {ended}):\n{LOG.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)
    raise Failed(f"the local stack was not ready within {START_SECONDS} s; see target/{LOG.name}")


@contextlib.contextmanager
def local_stack(*options):
    """Runs it with more options of `serve`; yields the ready line: `base_url`, `control_url`, and `env`, the whole local configuration."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w") as log, child([*COMMAND, *options], log, clean_environment()) as process:
        yield ready_line(process)
