"""The programs a check drives: the Python environment in target/check-venv and the release executable."""

import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import venv

from .report import ROOT, Failed, Skipped

VENV = ROOT / "target" / "check-venv"
REQUIREMENTS = ROOT / "tools" / "requirements.txt"
# What a person keeps elsewhere, or builds for another machine: a check would then judge an old executable of ours.
ELSEWHERE = {"CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_BUILD_DIR"}
# How npm, cargo and pip say that nobody answered; whatever else they say is a mistake of ours.
UNREACHABLE = re.compile(
    r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ESOCKETTIMEDOUT|ERR_SOCKET_TIMEOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH"
    r"|[Cc]ould not (resolve|connect)|Couldn't (resolve|connect)|Failed to connect|[Tt]emporary failure in name resolution"
    r"|Failed to establish a new connection|[Cc]onnection (refused|reset|timed out)|Timeout was reached|Read timed out"
)
# Between being asked to end and being ended.
END_SECONDS = 10


def run(command, **options):
    """Runs a command in the project's folder; its output is shown only when it fails."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


@contextlib.contextmanager
def child(command, log, environment):
    """Runs a command in a process group of its own, which ends with the block; `log` takes what it prints."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
    )
    try:
        yield process
    finally:
        for end in [signal.SIGTERM, signal.SIGKILL]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, end)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
                break


def finished(command, seconds, environment):
    """Runs a command to its end, or ends it with all that it started; its code and what it printed."""
    with tempfile.TemporaryFile() as log:
        with child(command, log, environment) as process:
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                code = None
        log.seek(0)
        printed = log.read().decode(errors="replace")
    if code is None:
        raise Failed(f"{printed[-3000:]}\n{' '.join(map(str, command[:3]))} … was not done within {seconds} s")
    return code, printed


def installed(command, what, **options):
    """Runs an installer: skips where the registry cannot be reached, and fails of anything else."""
    try:
        run(command, **options)
    except Failed as error:
        silent = [line for line in str(error).splitlines() if UNREACHABLE.search(line)]
        if not silent:
            raise
        raise Skipped(f"{what} cannot be reached: {silent[0]}") from error


@functools.cache
def tools():
    """The folder of the pinned tools' executables, installed at first need."""
    stamp = VENV / "installed.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        if sys.version_info < (3, 10):
            raise Skipped("the pinned tools want Python 3.10 or later")
        print("installing tools/requirements.txt into target/check-venv", file=sys.stderr)
        try:
            venv.create(VENV, with_pip=True, clear=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Skipped(f"Python cannot make an environment: {str(error).splitlines()[-1]}") from error
        pip = [VENV / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]
        installed(pip, "what tools/requirements.txt names")
        stamp.write_text(REQUIREMENTS.read_text())
    return VENV / "bin"


def cargo_environment():
    """This process's environment without what leads cargo's output elsewhere."""
    return {name: value for name, value in os.environ.items() if name not in ELSEWHERE}


def cargo(command, *words):
    """A command of cargo's whose output lies in the project's own folder, whatever a configuration says."""
    return ["cargo", command, "--target-dir", ROOT / "target", *words]


@functools.cache
def built(*words):
    """Builds, and gives the executables by name: where cargo put them, which a configured target moves."""
    if shutil.which("cargo") is None:
        raise Skipped("cargo is not installed")
    command = cargo("build", "--locked", "--message-format=json-render-diagnostics", *words)
    messages = [json.loads(line) for line in run(command, env=cargo_environment()).splitlines() if line.startswith("{")]
    return {message["target"]["name"]: pathlib.Path(message["executable"]) for message in messages if message.get("executable")}


@functools.cache
def release(name="slotline"):
    """The release executable, or its example, built as `sam build` builds them but for this machine."""
    print("building the release executable", file=sys.stderr)
    return built("--release", "-p", "functions", "--bin", "slotline", "--example", "first_random")[name]


def clean_environment(**more):
    """What cargo gets, without anything of AWS or of a proxy, plus what is given."""
    kept = {k: v for k, v in cargo_environment().items() if not k.startswith(("AWS_", "SAM_")) and not k.lower().endswith("_proxy")}
    return kept | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"} | more
