"""Every operation of our own OpenAPI document, driven by schemathesis against the local stack: thousands of requests,
well-formed and not, no fault of ours among the answers, and each answer as the document says.

What the document does not say is not asked: schemathesis' `positive_data_acceptance` takes every field for
independent of the others, and `unsupported_method` wants 405 where API Gateway answers 404. That what the document
forbids is refused is asked of bodies alone: an empty parameter counts as absent, and the phone gets a sentence for
whatever it sends.
"""

import collections
import json
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from .programs import clean_environment, tools
from .report import ROOT, Failed, Proof
from .stack import local_stack

CHECKS = """
[checks]
enabled = false
not_a_server_error.enabled = true
status_code_conformance.enabled = true
content_type_conformance.enabled = true
response_headers_conformance.enabled = true
response_schema_conformance.enabled = true
negative_data_rejection.enabled = true
missing_required_header.enabled = true
ignored_auth.enabled = true
use_after_free.enabled = true

# Here schemathesis spoils headers that the configuration then sets right again.
[phases.stateful.checks]
negative_data_rejection.enabled = false

[[operations]]
include-method = "GET"
checks.negative_data_rejection.enabled = false

[[operations]]
include-path-regex = "^/vapi/|/verify$"
checks.negative_data_rejection.enabled = false

"""
# Cases an operation in the fuzzing phase; with the other phases this comes to more than LEAST_CASES in all.
EXAMPLES = 100
LEAST_CASES = 5000
RUN_SECONDS = 420
HOOKS = ROOT / "tools" / "openapi_hooks.py"
# Sessions live 60 seconds; this claim makes one outlive the run, whatever the stack's clock says.
LATE = 4_000_000_000
PERSON, LEAVING = "user_2Schemathesis", "user_2SchemathesisLeaves"
# These end connections or close every day: another person asks for them, so that the rest keeps something to book.
ENDINGS = "/calendar/(auth/disconnect|connections/[{]id[}]|schedule)$"
# Operations that must have answered a success at least once; a handle, a signature or an etag cannot be guessed. Ids are
# random, and with them what later cases find: 46 are usual, 43 were seen.
LEAST_REACHED = 38


def post(url, body, token=None):
    """The JSON that a POST of JSON answers."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.URLError as error:
        raise Failed(f"POST {url}: {error}") from error


def session(control, person):
    """A signed-in person with both calendars: the session's token."""
    post(f"{control}/users", {"user_id": person, "email": "ada@example.com"})
    for provider in ["google", "microsoft"]:
        post(f"{control}/connect", {"owner": f"user:{person}", "provider": provider})
    return post(f"{control}/sessions", {"user_id": person, "claims": {"exp": LATE}})["token"]


def configuration(stack):
    """Who asks on which routes, as schemathesis reads it (TOML; JSON's strings are TOML's)."""
    base, control = stack["base_url"], stack["control_url"]
    person, leaving = session(control, PERSON), session(control, LEAVING)
    business = post(f"{base}/api/v1/businesses", {"name": "Example Hair", "google_calendar_timezone": "America/New_York"}, person)
    post(f"{control}/connect", {"owner": business["owner"], "provider": "google"})
    service = post(f"{control}/service-tokens", {"tenant": business["owner"], "scopes": ["business:*"]})["token"]
    line = post(f"{control}/vapi-credentials", {"tenant": f"user:{PERSON}", "kind": "secret"})["secret"]
    asking = {
        f"^(?!{ENDINGS})/(calendar|users)/": ("Authorization", f"Bearer {person}"),
        ENDINGS: ("Authorization", f"Bearer {leaving}"),
        "^/api/v1/": ("Authorization", f"Bearer {service}"),
        "^/vapi/": ("x-vapi-secret", line),
    }
    return f"hooks = {json.dumps(str(HOOKS))}\n" + CHECKS + "".join(
        f"[[operations]]\ninclude-path-regex = {json.dumps(path)}\nheaders = {{ {name} = {json.dumps(value)} }}\n"
        for path, (name, value) in asking.items()
    )


def operations(base):
    """The operations of the document, as `GET /path`."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{base}/openapi.json", timeout=30) as answer:
        paths = json.load(answer)["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def answers(report, declared):
    """How often each operation answered each status, from schemathesis' own record of what it sent and got."""
    counted = {name: collections.Counter() for name in declared}
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for case, sent in recorder.get("interactions", {}).items():
            value = recorder["cases"][case]["value"]
            # The coverage phase also asks for methods that no operation has.
            operation = f"{value['method']} {value['path']}"
            if operation in declared and sent.get("response"):
                counted[operation][sent["response"]["status_code"]] += 1
    return counted


def check():
    """Nothing that schemathesis sends makes a fault of ours, or an answer that the document does not have."""
    program = tools() / "schemathesis"
    with local_stack() as stack, tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "schemathesis.toml").write_text(configuration(stack))
        report = folder / "report.ndjson"
        command = [program, "--config-file", folder / "schemathesis.toml", "run", f"{stack['base_url']}/openapi.json"]
        command += ["--max-examples", str(EXAMPLES), "--generation-deterministic"]
        command += ["--continue-on-failure", "--no-color", "--warnings", "off", "--report-ndjson-path", report]
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS, env=clean_environment()
        )
        if done.returncode != 0:
            log = ROOT / "target" / "check-openapi.log"
            log.write_text(done.stdout + done.stderr)
            raise Failed(f"{(done.stdout + done.stderr)[-3000:]}\nmore in target/{log.name}")
        counted = answers(report, operations(stack["base_url"]))
    return verdict(counted)


def verdict(counted):
    """The row of the table, when enough was asked and every operation was reached."""
    total = sum(sum(statuses.values()) for statuses in counted.values())
    faults = {name: dict(statuses) for name, statuses in counted.items() if any(status >= 500 for status in statuses)}
    reached = sum(1 for statuses in counted.values() if min(statuses, default=500) < 400)
    if faults:
        raise Failed(f"faults of ours: {faults}")
    if total < LEAST_CASES or reached < LEAST_REACHED:
        raise Failed(f"only {total} cases, successes of {reached} operations; {LEAST_CASES} and {LEAST_REACHED} are wanted")
    return Proof("openapi", "no 5xx, every answer as /openapi.json says", "schemathesis", f"{total} cases, {reached} of {len(counted)} operations succeed")
