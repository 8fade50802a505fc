"""What deploys, built as it deploys: `sam build` of template.yaml, for arm64, by cargo-lambda and zig.

The build begins from nothing and is timed. Its executable then answers the recorded events under qemu.
"""

import hashlib
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from . import rie
from .node import debian
from .programs import child, clean_environment, run, tools
from .report import ROOT, Failed, Proof, Skipped
from .size import zipped_mb
from .stack import local_stack

TARGET = "aarch64-unknown-linux-gnu"
FOLDER = ROOT / "target" / "check-cross"
CARGO, BUILT, LOG, COMPILED = FOLDER / "cargo", FOLDER / "sam", FOLDER / "build.log", FOLDER / "compiled.txt"
LIMIT_SECONDS = 600
# A build that hangs.
HANG_SECONDS = 3600
STAT = Path("/proc/stat")
LIMIT_ZIPPED_MB = 5
# Our crates, each as the compiler is told its name: the two libraries and the executable.
OURS = ["shared", "functions", "slotline"]
# cargo calls the compiler through this: every crate's name is written down, whoever asked for it.
WRAPPER = f"""#!/bin/sh
for word; do
  [ "$before" = --crate-name ] && echo "$word" >>'{COMPILED}'
  before=$word
done
exec "$@"
"""
# ELF's number for AArch64, after the bytes that say 64 bits and little-endian.
ELF, AARCH64 = b"\x7fELF\x02\x01", 183
# Names in aws-lc's archive: one that only the jitter collector brings, and one that is always there.
JITTER, ALWAYS = b"jent_read_entropy", b"FIPS_is_entropy_cpu_jitter"
# Debian's loader and C library for arm64, which qemu gives to the executable.
LIBRARIES = "/usr/aarch64-linux-gnu"


def standard_library():
    """Rust's standard library for arm64, installed by rustup where it is missing."""
    if shutil.which("cargo") is None:
        raise Skipped("cargo is not installed")

    def there():
        return os.path.isdir(run(["rustc", "--print", "target-libdir", "--target", TARGET]).strip())

    if not there() and shutil.which("rustup"):
        subprocess.run(["rustup", "target", "add", TARGET], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if not there():
        raise Skipped(f"rustup cannot install the target {TARGET}")


def build():
    """Builds into an empty folder; gives the time that it took."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    wrapper = FOLDER / "rustc"
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    environment = clean_environment(
        # cargo-lambda, and the Python whose package is zig.
        PATH=f"{tools()}{os.pathsep}{os.environ['PATH']}",
        CARGO_TARGET_DIR=str(CARGO),
        RUSTC_WRAPPER=str(wrapper),
        # What zig and its linker scripts keep, and what SAM remembers.
        XDG_CACHE_HOME=str(FOLDER / "cache"),
        __SAM_CLI_APP_DIR=str(FOLDER / "sam-cli"),
    )
    print("building template.yaml for arm64", file=sys.stderr)
    started, own, busy = time.monotonic(), own_seconds(), busy_seconds()
    with LOG.open("w") as log, child([tools() / "sam", "build", "--build-dir", BUILT], log, environment) as process:
        try:
            code = process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"sam build took more than {HANG_SECONDS} s; see target/check-cross/{LOG.name}") from late
    if code != 0:
        raise Failed(f"sam build ended with {code}:\n{LOG.read_text(errors='replace')[-3000:]}")
    return in_time(time.monotonic() - started, own_seconds() - own, busy_seconds() - busy)


def own_seconds():
    """CPU time of every process that this one started and that has ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def busy_seconds():
    """CPU time that the machine's processors were not idle, or were taken from it; nothing where nobody counts it."""
    if not STAT.exists():
        return 0
    user, nice, system, _idle, _waiting, *interrupts_and_stolen = map(int, STAT.read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(interrupts_and_stolen)) / os.sysconf("SC_CLK_TCK")


def in_time(seconds, own, busy, cores=os.cpu_count() or 1):
    """How long the build took, as a figure, if two cores of its own would have been enough for the limit.

    On a machine that does nothing else the clock decides. Where others took more than a tenth of it, what they took is
    theirs: without them the build would not have ended earlier than `alone`. With more than two cores the CPU time
    counts as well.
    """
    others = max(busy - own, 0)
    theirs = others / cores if others > seconds * cores / 10 else 0
    alone = max(seconds - theirs, own / 2)
    figure = f"{seconds:.0f} s, {own:.0f} s of CPU, {others:.0f} s of others"
    if alone > LIMIT_SECONDS:
        raise Failed(f"sam build took {figure}; the limit is {LIMIT_SECONDS} s on two cores")
    return figure


def executable():
    """The one executable that every function of the template got."""
    declared = set(re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function$", (ROOT / "template.yaml").read_text(), re.MULTILINE))
    files = {file.parent.name: file for file in BUILT.glob("*/bootstrap")}
    if set(files) != declared or not declared:
        raise Failed(f"built are {sorted(files)}, the template has {sorted(declared)}")
    if len({hashlib.sha256(file.read_bytes()).digest() for file in files.values()}) != 1:
        raise Failed("the functions' executables differ")
    return next(iter(files.values())), len(files)


def compiled_once():
    """How many crates were compiled; each of ours must have been, and once."""
    names = COMPILED.read_text().split()
    wrong = [f"{name} was compiled {names.count(name)} times" for name in OURS if names.count(name) != 1]
    if wrong:
        raise Failed("; ".join(wrong))
    return len([name for name in names if name != "___"])


def no_jitter():
    """aws-lc's archive, which the executable was linked with, has no collector of CPU jitter."""
    archives = list((CARGO / TARGET).glob("release/build/aws-lc-sys-*/out/**/libaws_lc_*_crypto.a"))
    if len(archives) != 1:
        raise Failed(f"{len(archives)} archives of aws-lc were built")
    names = archives[0].read_bytes()
    if ALWAYS not in names:
        raise Failed("the names in aws-lc's archive cannot be read")
    if JITTER in names:
        raise Failed("aws-lc was built with the jitter collector; is AWS_LC_SYS_NO_JITTER_ENTROPY set in .cargo/config.toml?")


def runnable(arm64):
    """A command that runs the executable on this machine."""
    if platform.machine().lower() in {"aarch64", "arm64"}:
        return arm64
    qemu = debian("qemu-user-static", "qemu-aarch64-static")
    debian("libc6-arm64-cross", f"{LIBRARIES}/lib/ld-linux-aarch64.so.1")
    script = FOLDER / "arm64"
    script.write_text(f"#!/bin/sh\nexec '{qemu}' -L '{LIBRARIES}' '{arm64}' \"$@\"\n")
    script.chmod(0o755)
    return script


def answered(arm64):
    """What came of the recorded events; the build stands where they cannot be sent."""
    try:
        rie.emulator()
        command = runnable(arm64)
    except Skipped as why:
        return f"not run: {why}"
    with local_stack() as stack:
        rie.replay(command, stack)
    return f"{len(rie.EXPECTED)} events answered"


def check():
    """The package that deploys: one compilation, one executable for arm64, small, without jitter, and it answers."""
    standard_library()
    lock = (ROOT / "Cargo.lock").read_bytes()
    took = build()
    if (ROOT / "Cargo.lock").read_bytes() != lock:
        raise Failed("sam build changed Cargo.lock")
    arm64, functions = executable()
    code = arm64.read_bytes()
    if not code.startswith(ELF) or int.from_bytes(code[18:20], "little") != AARCH64:
        raise Failed("the executable is not one for arm64")
    crates = compiled_once()
    no_jitter()
    zipped = zipped_mb(code)
    if zipped > LIMIT_ZIPPED_MB:
        raise Failed(f"zipped it is {zipped:.2f} MB; the limit is {LIMIT_ZIPPED_MB} MB")
    figure = f"{took}; {crates} crates once for {functions} functions, zipped {zipped:.2f} MB, {answered(arm64)}"
    return Proof("cross", "arm64 package: one compilation, no jitter, events answered", "SAM CLI, cargo-lambda, zig, qemu", figure)
