"""`sam local` with the release executable: every recorded event, and the authorizer in front of the API.

Nothing is pulled: the image is made of this machine's own libraries. The Docker engine, its containers and the local
stack run in namespaces of their own, in a network without a way out, and end with the process that made them.
"""

import contextlib
import fcntl
import functools
import io
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request

import sam_settings

from . import ports, rie
from .node import debian
from .programs import cargo, cargo_environment, child, clean_environment, release, run, tools
from .report import ROOT, Failed, Proof, Skipped
from .stack import local_stack

FOLDER = ROOT / "target" / "check-sam-local"
# What a person types `sam local` in: the template as it is, beside a folder `functions` that holds the executable.
PROJECT = FOLDER / "project"
ARCHITECTURE = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
# What SAM's own Dockerfile runs in the image.
IMAGE_PROGRAMS = ["sh", "mv", "chmod"]
ENGINE_SECONDS, INVOKE_SECONDS, API_SECONDS, ALL_SECONDS = 60, 120, 120, 1200
# The engine's end of its bridge, in a network that nobody else sees.
BRIDGE = "172.17.0.1"
# Every process in these is gone with the first one.
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
# The code by which the part inside says that it was skipped.
SKIPPED = 75
# From linux/if.h and linux/sockios.h: an interface is taken up.
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


@functools.cache
def architecture():
    """This machine's architecture, as the template names it."""
    return ARCHITECTURE[platform.machine().lower()]


def image_tar():
    """A root with a shell, two programs, and the libraries that they and the executable want."""
    programs = [shutil.which(program) for program in IMAGE_PROGRAMS]
    listed = [run(["ldd", program]) for program in [*programs, PROJECT / "functions" / "bootstrap"]]
    libraries = {path for text in listed for path in re.findall(r"(/\S+) \(0x", text)}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
        for folder in ["tmp", "var/rapid", "var/task"]:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        for program, found in zip(IMAGE_PROGRAMS, programs):
            tar.add(found, f"bin/{program}")
        for library in sorted(libraries):
            tar.add(library, library.lstrip("/"))
    return archive.getvalue()


@contextlib.contextmanager
def engine():
    """A Docker engine of our own, with the image under the name that SAM would pull."""
    # Neither another engine's socket nor its containerd is seen from here.
    run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    with (FOLDER / "engine.log").open("w") as log:
        command = ["dockerd", "--data-root", FOLDER / "docker", "--storage-driver", "vfs", "--bip", f"{BRIDGE}/16"]
        with child(command, log, clean_environment()) as process:
            deadline = time.monotonic() + ENGINE_SECONDS
            while subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
                if process.poll() is not None or time.monotonic() > deadline:
                    last = (FOLDER / "engine.log").read_text(errors="replace").strip().splitlines()[-1:]
                    raise Skipped(f"no Docker engine starts here: {''.join(last)[-300:]}")
                time.sleep(0.2)
            name = f"public.ecr.aws/lambda/provided:al2023-{architecture()}"
            subprocess.run(["docker", "import", "-", name], input=image_tar(), capture_output=True, check=True)
            open_loopback()
            yield


def open_loopback():
    """Containers reach what listens on this namespace's loopback by the address of the bridge."""
    pathlib.Path("/proc/sys/net/ipv4/conf/docker0/route_localnet").write_text("1")
    rule = ["PREROUTING", "--in-interface", "docker0", "--protocol", "tcp", "--destination", BRIDGE]
    run(["iptables", "--table", "nat", "--insert", *rule, "--jump", "DNAT", "--to-destination", "127.0.0.1"])


def settings_file(stack):
    """The recorded settings with the running stack's addresses as a container reaches them."""
    file = FOLDER / "env.json"
    file.write_text(json.dumps({"Parameters": sam_settings.from_containers(sam_settings.of(stack))}))
    return file


def sam(*words):
    """A command of `sam local`."""
    options = ["--skip-pull-image", "--parameter-overrides", f"Architecture={architecture()}"]
    return [tools() / "sam", "local", *words, *options]


def environment():
    """SAM keeps its things below its home, which is ours. Without credentials it does not ask, in vain, whose account it is."""
    return clean_environment(HOME=str(FOLDER / "home"), AWS_EC2_METADATA_DISABLED="true")


def invoke(name, *options):
    """The answer to one recorded event."""
    function = "".join(word.capitalize() for word in rie.FUNCTION_OF.get(name, name).split("-")) + "Function"
    command = sam("invoke", function, "--event", f"events/{name}.json", *options)
    try:
        done = subprocess.run(
            command, cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INVOKE_SECONDS, env=environment()
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"no answer within {INVOKE_SECONDS} s") from late
    except ValueError as error:
        raise Failed(f"no answer: {done.stdout[-500:]}{done.stderr[-1500:]}") from error
    rie.compare(name, answer)


def status(address, token=None):
    """The status of one request."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"authorization": token} if token else {}
    try:
        with opener.open(urllib.request.Request(address, headers=headers), timeout=INVOKE_SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def api(settings):
    """What `sam local start-api` answers that it should not; and how many requests it got."""
    port = ports.free_port()
    token = json.loads(rie.recorded_event("authorizer"))["identitySource"][0]
    requests = [
        ("/health", None, {200}),
        ("/users/me", None, {401}),
        ("/users/me", "Bearer EXAMPLE.session.token", {401, 403}),
        ("/users/me", token, {200}),
    ]
    command = sam("start-api", "--template", PROJECT / "template.yaml", "--env-vars", settings, "--host", "127.0.0.1", "--port", str(port))
    with (FOLDER / "api.log").open("w") as log, child(command, log, environment()):
        ports.wait_for(port, API_SECONDS)
        got = [(path, token, allowed, status(f"http://127.0.0.1:{port}{path}", token)) for path, token, allowed in requests]
    refused = [(path, "with" if token else "without", code) for path, token, allowed, code in got if code not in allowed]
    return [f"start-api: {path} {how} a token: {code}" for path, how, code in refused], len(requests)


def inside():
    """The check itself, in the namespaces that `check` made; prints what is wrong and how much was tried."""
    wrong, tried = [], []
    with engine(), local_stack() as stack:
        settings = settings_file(stack)
        # The recorded settings alone serve what asks no other system.
        calls = [("docs", [])] + [(name, ["--env-vars", settings]) for name in rie.EXPECTED]
        for name, options in calls:
            tried.append(name)
            try:
                invoke(name, *options)
            except Failed as failed:
                wrong.append(f"{name}: {failed}")
        refused, requests = api(settings)
    print(json.dumps({"wrong": wrong + refused, "events": len(tried), "requests": requests}))


def prepare():
    """The folder in which `sam local` works, without anything of an earlier run."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    (PROJECT / "functions").mkdir(parents=True)
    (FOLDER / "home").mkdir()
    for name in ["template.yaml", "samconfig.toml"]:
        shutil.copy(ROOT / name, PROJECT)
    shutil.copytree(ROOT / "events", PROJECT / "events")
    shutil.copy(release(), PROJECT / "functions" / "bootstrap")


def check():
    """The recorded events and a few requests, each answered from a container that SAM started."""
    if platform.system() != "Linux" or os.geteuid() != 0 or platform.machine().lower() not in ARCHITECTURE:
        raise Skipped("a Docker engine of our own wants root on Linux")
    for package, program in [("docker.io", "dockerd"), ("docker.io", "docker"), ("iptables", "iptables"), ("util-linux", "unshare")]:
        debian(package, program)
    if subprocess.run([*NAMESPACES, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode != 0:
        raise Skipped("namespaces cannot be made here")
    tools()
    prepare()
    run(cargo("build", "--quiet", "--locked", "-p", "local"), env=cargo_environment())
    command = [*NAMESPACES, sys.executable, "-B", "-m", "check.sam_local"]
    # Settings of Docker's would lead to another engine.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
    started = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ALL_SECONDS,
            env=kept | {"PYTHONPATH": str(ROOT / "tools")},
        )
    except subprocess.TimeoutExpired as late:
        raise Failed(f"not done within {ALL_SECONDS} s; see target/{FOLDER.name}") from late
    finally:
        shutil.rmtree(FOLDER / "docker", ignore_errors=True)
    if done.returncode == SKIPPED:
        raise Skipped(done.stdout.strip())
    if done.returncode != 0:
        raise Failed((done.stdout + done.stderr)[-3000:])
    said = json.loads(done.stdout)
    if said["wrong"]:
        raise Failed("\n".join(said["wrong"]))
    figure = f"{said['events']} events, {said['requests']} requests, {time.monotonic() - started:.0f} s"
    return Proof("sam-local", "sam local invoke of every event, start-api with the authorizer", "SAM CLI, Docker", figure)


if __name__ == "__main__":
    try:
        inside()
    except Skipped as why:
        print(why)
        sys.exit(SKIPPED)
