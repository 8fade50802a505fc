"""The local stack as a child process: `cargo run -- serve`, ended by its own process group."""

import contextlib
import json
import os
import select
import signal
import subprocess
import time

from .programs import clean_environment
from .report import ROOT, Failed

# The recorded events are signed for this instant.
NOW = "2026-01-05T12:00:00Z"
# A cold debug build on two cores.
START_SECONDS = 1200


def ready_line(process):
    """The first line of JSON that the stack prints."""
    deadline = time.monotonic() + START_SECONDS
    pending = b""
    while time.monotonic() < deadline:
        if not select.select([process.stdout], [], [], 1)[0]:
            continue
        # Read from the descriptor: a buffered reader would hide later lines from select.
        block = os.read(process.stdout.fileno(), 65536)
        if not block:
            raise Failed(f"the local stack ended before it was ready (code {process.wait()})")
        pending += block
        *lines, pending = pending.split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                return json.loads(line)
    raise Failed(f"the local stack was not ready within {START_SECONDS} s")


@contextlib.contextmanager
def local_stack():
    """Yields the ready line: `base_url`, `control_url`, and `env`, the whole local configuration."""
    command = ["cargo", "run", "--quiet", "--locked", "--", "serve", "--port", "0", "--now", NOW, "--ready-json"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=clean_environment(), start_new_session=True
    )
    try:
        yield ready_line(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
