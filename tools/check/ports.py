"""Ports for servers that cannot pick one themselves."""

import contextlib
import pathlib
import random
import socket
import time

from .report import Failed

# Where the system takes ports from for whoever asks for any; a port from there can be gone before it is listened on.
RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL = 32_768
START_SECONDS = 60
GIVEN = set()


def free_port():
    """A port that nobody listens on, that nobody gets who asks for any, and that was not given before."""
    below = int(RANGE.read_text().split()[0]) if RANGE.exists() else USUAL
    candidates = list(range(max(1024, below // 2), below))
    random.shuffle(candidates)
    for port in candidates:
        if port in GIVEN:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            GIVEN.add(port)
            return port
    raise Failed(f"no port below {below} is free")


def wait_for(port, seconds=START_SECONDS):
    """Waits until somebody listens."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise Failed(f"nobody listened on port {port} within {seconds} s")
