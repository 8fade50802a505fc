"""A real browser: connecting as a person does, the flow's cookie, the page for a lost one, and the documentation."""

import tempfile

from .node import debian, node, script
from .ports import free_port
from .report import Failed, Proof
from .stack import local_stack

LEAST_STEPS = 21


def check():
    """Chromium walks from the start link to a connected calendar, and what it logs is nothing."""
    node()
    chromium, front = debian("chromium", "chromium"), free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
        file.write(f"FRONTEND_RETURN_URLS=http://localhost:{front}/settings\n")
        file.flush()
        with local_stack("--env-file", file.name) as stack:
            steps = script("browser.mjs", stack["base_url"], str(front), chromium)
    broken = [f"{step['step']}: {step['said']}" for step in steps if not step["held"]]
    if broken or len(steps) < LEAST_STEPS:
        raise Failed("\n".join(broken) or f"only {len(steps)} steps were played, {LEAST_STEPS} are wanted")
    return Proof("browser", "start, consent, callback, front end, cookies, pages, policies", "Chromium", f"{len(steps)} steps")
