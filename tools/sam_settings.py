"""Prints settings for `sam local … --env-vars`: the recorded ones, with the addresses of a running stack.

It reads the line that `cargo run -- serve --ready-json` prints. Containers call the machine by the name `HOST`.
"""

import json
import pathlib
import re
import sys

RECORDED = pathlib.Path(__file__).resolve().parent.parent / "events" / "env.json"
HOST = "host.docker.internal"
# The settings whose addresses a function calls; browsers call the others, and tokens name them.
CALLED = re.compile(r"AWS_ENDPOINT_URL_\w+|RESCUE_QUEUE_URL|\w+_(JWKS|TOKEN|GRAPH|REVOKE|CALENDAR)_URL")


def of(stack):
    """The recorded configuration with a stack's addresses; `stack` is its ready line."""
    recorded = json.loads(RECORDED.read_text())["Parameters"]
    # The recorded tokens and signatures hold under the recorded keys and at the recorded time, not at the stand-in's.
    kept = {name: value for name, value in recorded.items() if name.startswith("CLERK_") or name == "SLOTLINE_NOW"}
    return recorded | stack["env"] | kept


def from_containers(settings):
    """The same, with every address that a function calls as a container reaches it."""

    def reached(name, value):
        return re.sub(r"//(127\.0\.0\.1|localhost)\b", f"//{HOST}", value) if CALLED.fullmatch(name) else value

    return {name: reached(name, str(value)) for name, value in settings.items()}


if __name__ == "__main__":
    json.dump({"Parameters": from_containers(of(json.loads(sys.stdin.readline())))}, sys.stdout, indent=2)
    print()
