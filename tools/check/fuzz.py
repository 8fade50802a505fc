"""Every fuzz target for some seconds: libFuzzer with the address sanitizer, from the seeds in fuzz/corpus."""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

from .programs import cargo_environment, finished, installed, run
from .report import ROOT, Failed, Proof, Skipped

TOOL = ROOT / "target" / "check-fuzz"
CARGO_FUZZ = "0.13.2"
SECONDS = 10
# With the start, on a machine that does something else as well.
LONGEST = 300
# Of each target; a machine that is busy looks at a tenth of what an idle one does.
LEAST_INPUTS = 1000
# What an input may take before it is a find: some thousand times what one takes.
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=4096"]


def cargo_fuzz(*arguments):
    """A command of cargo-fuzz's, with the nightly compiler that the sanitizer needs."""
    return ["cargo", "+nightly", "fuzz", *arguments]


def environment():
    """This process's environment with cargo-fuzz in front, and a compiler that instruments what is looked at."""
    path = f"{TOOL / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return cargo_environment() | {"PATH": path, "RUSTC_WRAPPER": str(ROOT / "fuzz" / "rustc.sh"), "CARGO_TERM_COLOR": "never"}


def install():
    """cargo-fuzz in its pinned version, at first need."""
    if shutil.which("cargo") is None or subprocess.run(["rustc", "+nightly", "--version"], capture_output=True).returncode:
        raise Skipped("there is no nightly compiler; `rustup toolchain install nightly` brings one")
    install = ["cargo", "+nightly", "install", "cargo-fuzz", "--version", CARGO_FUZZ, "--locked", "--root", TOOL]
    installed(install, "the registry of cargo-fuzz", env=cargo_environment())


def targets():
    """Every target by its name."""
    return sorted(file.stem for file in (ROOT / "fuzz" / "fuzz_targets").glob("*.rs"))


def smoke(target):
    """One target for some seconds; how many inputs it looked at. It begins with the seeds and nothing of earlier runs."""
    words = ROOT / "fuzz" / "dictionaries" / f"{target}.dict"
    options = ["-seed=1", f"-max_total_time={SECONDS}", "-print_final_stats=1", *LIMITS]
    options += [f"-dict={words}"] if words.exists() else []
    with tempfile.TemporaryDirectory() as grown, tempfile.TemporaryDirectory() as seeds:
        for seed in (ROOT / "fuzz" / "corpus" / target).glob("*.seed"):
            shutil.copy(seed, seeds)
        command = cargo_fuzz("run", *BUILD, target, grown, seeds, "--", *options)
        code, printed = finished(command, LONGEST, environment())
    if code != 0:
        raise Failed(f"{target}: {told(target, printed)}")
    looked_at = int(re.search(r"number_of_executed_units: (\d+)", printed)[1])
    if looked_at < LEAST_INPUTS:
        raise Failed(f"{target}: only {looked_at} inputs, {LEAST_INPUTS} are wanted")
    return looked_at


def told(target, output):
    """What went wrong, and the file that does it again."""
    said = re.findall(r"^thread .* panicked at .*\n.*|^SUMMARY: .*|^error.*", output, re.MULTILINE)
    written = re.search(r"Test unit written to (\S+)", output)
    again = f"\nagain: cargo +nightly fuzz run {target} {written[1]}" if written else f"\n{output[-2000:]}"
    return "\n".join(said) + again


# One folder for all targets, apart from the project's own builds; several units a crate, because two cores build it.
BUILD = ["--target-dir", TOOL, "--codegen-units", "16"]


def check():
    """No target finds anything; the seeds are looked at first."""
    install()
    print("building the fuzz targets", file=sys.stderr)
    run(cargo_fuzz("build", *BUILD), env=environment())
    names = targets()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        looked_at = list(pool.map(smoke, names))
    figure = f"{sum(looked_at):,} inputs to {len(names)} targets, {min(looked_at):,} at least"
    return Proof("fuzz", "no input breaks what parses, verifies or opens it", "libFuzzer", figure)
