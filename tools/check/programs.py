"""The programs a check drives: the Python environment in target/check-venv and the release executable."""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import venv

from .report import ROOT, Failed, Skipped

VENV = ROOT / "target" / "check-venv"
REQUIREMENTS = ROOT / "tools" / "requirements.txt"
RELEASE = ROOT / "target" / "release"


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
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


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
            run([VENV / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS])
        except (Failed, OSError, subprocess.CalledProcessError) as error:
            raise Skipped(f"tools/requirements.txt cannot be installed: {str(error).splitlines()[-1]}") from error
        stamp.write_text(REQUIREMENTS.read_text())
    return VENV / "bin"


@functools.cache
def release():
    """The release executable and its example, built as `sam build` builds them but for this machine."""
    if shutil.which("cargo") is None:
        raise Skipped("cargo is not installed")
    print("building the release executable", file=sys.stderr)
    run(["cargo", "build", "--release", "--locked", "-p", "functions", "--bin", "slotline", "--example", "first_random"])
    return RELEASE / "slotline"


def clean_environment(**more):
    """This process's environment without anything of AWS or of a proxy, plus what is given."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SAM_")) and not k.lower().endswith("_proxy")}
    return kept | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"} | more
