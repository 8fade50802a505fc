"""The release executable under the Lambda runtime interface emulator that the SAM CLI ships, event by event."""

import contextlib
import json
import platform
import tempfile
import urllib.error
import urllib.request

import sam_settings

from .ports import free_port, wait_for
from .programs import VENV, child, clean_environment, release, tools
from .report import ROOT, Failed, Proof, Skipped
from .stack import local_stack

# What each recorded event answers on a stack that nobody has connected anything to: a status, or what `said` makes of it.
EXPECTED = {
    "authorizer": True,
    "auth-start": 307,
    "auth-callback": 303,
    "auth-status": 200,
    "connections": 409,
    "events": 409,
    "bookings": 200,
    "users": 200,
    "clerk-webhook": 200,
    "vapi-webhook": 200,
    "token-refresh": "keep",
    "reconcile": "reconcile",
    "token-rescue": [],
    "docs": 200,
}
# Events beside the one of their function's name.
FUNCTION_OF = {"token-rescue": "token-refresh"}


def emulator():
    """The emulator's executable; never ask it for --help, which starts a server on every interface."""
    machine = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())
    tools()
    found = list(VENV.glob(f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"))
    if platform.system() != "Linux" or not found:
        raise Skipped(f"the SAM CLI has no emulator for {platform.system()} on {platform.machine()}")
    return found[0]


def environment_of(stack, function):
    """The recorded configuration with the running stack's addresses, as Lambda would hand it to one function."""
    names = {"_HANDLER": function, "AWS_LAMBDA_FUNCTION_NAME": function, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_REGION": "us-east-1"}
    credentials = {"AWS_ACCESS_KEY_ID": "EXAMPLE", "AWS_SECRET_ACCESS_KEY": "EXAMPLE"}
    return clean_environment(**(sam_settings.of(stack) | names | credentials))


@contextlib.contextmanager
def lambda_function(executable, function, stack):
    """Runs one function under the emulator; yields the address that invokes it."""
    runtime, front = free_port(), free_port()
    command = [emulator(), "--log-level", "error", "--runtime-api-address", f"127.0.0.1:{runtime}"]
    command += ["--runtime-interface-emulator-address", f"127.0.0.1:{front}", executable, function]
    with tempfile.TemporaryFile() as log:
        try:
            with child(command, log, environment_of(stack, function)):
                wait_for(front)
                yield f"http://127.0.0.1:{front}/2015-03-31/functions/function/invocations"
        except Failed as failed:
            log.seek(0)
            raise Failed(f"{failed}\n{log.read().decode(errors='replace')[-2000:]}") from failed


def invoke(address, event):
    """The function's answer. The emulator says HTTP 200 even when the function failed, so the body decides."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(address, event), timeout=30) as answer:
            return json.loads(answer.read())
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise Failed(f"no answer: {error}") from error


def said(event, answer):
    """What an answer comes down to: a verdict, a task, the messages that stay in the queue, or a status."""
    match event:
        case "authorizer":
            return answer.get("isAuthorized")
        case "token-refresh" | "reconcile":
            return answer.get("task")
        case "token-rescue":
            return [failure["itemIdentifier"] for failure in answer.get("batchItemFailures", [])]
    return answer.get("statusCode")


def recorded_event(name):
    """One recorded request, signed."""
    event = (ROOT / "events" / f"{name}.json").read_bytes()
    for placeholder in [b"__TOKEN__", b"__SIGNATURE__"]:
        if placeholder in event:
            raise Failed(f"events/{name}.json still holds {placeholder.decode()}")
    return event


def compare(name, answer):
    """Compares what an event was answered with what it is to be answered."""
    if not isinstance(answer, dict) or "errorType" in answer or "errorMessage" in answer:
        raise Failed(f"the function failed: {json.dumps(answer)[:500]}")
    got = said(name, answer)
    if got != EXPECTED[name]:
        raise Failed(f"answered {got}, expected {EXPECTED[name]}: {json.dumps(answer)[:500]}")


def replay(executable, stack):
    """Sends every recorded event to its function."""
    recorded = {file.stem for file in (ROOT / "events").glob("*.json")} - {"env"}
    wrong = [f"{name}: recorded or expected, and not both" for name in sorted(recorded ^ set(EXPECTED))]
    for name in EXPECTED:
        try:
            event = recorded_event(name)
            with lambda_function(executable, FUNCTION_OF.get(name, name), stack) as address:
                compare(name, invoke(address, event))
        except Failed as failed:
            wrong.append(f"{name}: {failed}")
    if wrong:
        raise Failed("\n".join(wrong))


def check():
    """Every recorded event gets its answer from the executable that deploys."""
    emulator()
    executable = release()
    with local_stack() as stack:
        replay(executable, stack)
    return Proof("rie", "release executable answers events/*.json", "Lambda runtime interface emulator", f"{len(EXPECTED)} events")
