"""A foreign authorization server in Microsoft's and in Google's place: connect, refresh, lose a family, disconnect."""

import tempfile

from .node import node, script
from .ports import free_port
from .report import Failed, Proof
from .stack import local_stack

LEAST_STEPS = 20
SETTINGS = """
MICROSOFT_CLIENT_ID=client-EXAMPLE
MICROSOFT_CLIENT_SECRET=secret-EXAMPLE
MICROSOFT_AUTHORIZE_URL=http://localhost:{microsoft}/auth
MICROSOFT_TOKEN_URL=http://localhost:{microsoft}/token
MICROSOFT_GRAPH_URL=http://localhost:{microsoft}/api
GOOGLE_CLIENT_ID=client-EXAMPLE
GOOGLE_CLIENT_SECRET=secret-EXAMPLE
GOOGLE_AUTHORIZE_URL=http://localhost:{google}/auth
GOOGLE_TOKEN_URL=http://localhost:{google}/token
GOOGLE_REVOKE_URL=http://localhost:{google}/revoke
GOOGLE_CALENDAR_URL=http://localhost:{google}/api
"""


def check():
    """The whole life of a connection with refresh tokens that rotate, and with one that stays."""
    node()
    ports = {"microsoft": free_port(), "google": free_port()}
    with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
        file.write(SETTINGS.format(**ports))
        file.flush()
        with local_stack("--env-file", file.name) as stack:
            steps = script("oidc.mjs", stack["base_url"], str(ports["microsoft"]), str(ports["google"]))
    broken = [f"{step['step']}: {step['said']}" for step in steps if not step["held"]]
    if broken or len(steps) < LEAST_STEPS:
        raise Failed("\n".join(broken) or f"only {len(steps)} steps were played, {LEAST_STEPS} are wanted")
    return Proof("oidc", "OAuth with PKCE, state, client secret, rotation", "oidc-provider, rotating and not", f"{len(steps)} steps")
