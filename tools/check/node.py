"""Programs in Node: tools/check/js with its pinned packages, installed into target/check-node; and our judge beside them."""

import functools
import json
import os
import platform
import shutil
import subprocess
import sys

from .programs import built, clean_environment, installed, run
from .report import ROOT, Failed, Skipped

SCRIPTS = ROOT / "tools" / "check" / "js"
FOLDER = ROOT / "target" / "check-node"
OLDEST_NODE = 20
# A whole script of one check.
SCRIPT_SECONDS = 120


def debian(package, program):
    """The program, installed from Debian where that is possible."""
    if shutil.which(program) is None and platform.system() == "Linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in [["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", package]]:
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=False)
    found = shutil.which(program)
    if found is None:
        raise Skipped(f"{program} is not installed")
    return found


@functools.cache
def node():
    """The Node executable, with the packages of package-lock.json beside the scripts in target/check-node."""
    executable, npm = debian("nodejs", "node"), debian("npm", "npm")
    version = run([executable, "--version"]).strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        raise Skipped(f"Node is {version}, the packages want {OLDEST_NODE} or later")
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock, stamp = (SCRIPTS / "package-lock.json").read_text(), FOLDER / "installed.txt"
    for file in SCRIPTS.iterdir():
        shutil.copy(file, FOLDER)
    if not stamp.exists() or stamp.read_text() != lock:
        print("installing tools/check/js/package-lock.json into target/check-node", file=sys.stderr)
        install = [npm, "ci", "--prefix", FOLDER, "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
        installed(install, "the registry of the packages")
        stamp.write_text(lock)
    return executable


def script(name, *words):
    """Runs one script to its end; its lines of JSON."""
    done = run([node(), FOLDER / name, *words], env=clean_environment(), timeout=SCRIPT_SECONDS)
    return [json.loads(line) for line in done.split("\n") if line]


def judged(cases):
    """Our verdicts on cases, by the functions that production calls."""
    judge = built("-p", "local")["local"]
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run([judge, "judge"], input=lines, capture_output=True, text=True, cwd=ROOT, env=clean_environment())
    verdicts = [json.loads(line) for line in done.stdout.split("\n") if line]
    if done.returncode != 0 or len(verdicts) != len(cases):
        raise Failed(f"the judge gave {len(verdicts)} verdicts on {len(cases)} cases: {done.stderr[-500:]}")
    return verdicts


def compared(kind, cases, stricter, least):
    """Compares the oracle's verdicts with ours; gives how many cases, how many both accept, how many only we refuse.

    What we accept and the oracle refuses fails. So does a refusal of ours alone whose reason `stricter` does not list.
    """
    wrong, alone, both = [], {}, 0
    for case, ours in zip(cases, judged([case["case"] | {"id": at, "kind": kind} for at, case in enumerate(cases)])):
        accepted = ours.get("verdict") == "accept"
        if "verdict" not in ours:
            wrong.append(f"{case['name']}: the judge says {ours}")
        elif accepted and not case["accepted"]:
            wrong.append(f"{case['name']}: we accept, they refuse ({case.get('why')})")
        elif accepted and case.get("sub") != ours.get("sub"):
            wrong.append(f"{case['name']}: they read {case.get('sub')!r}, we {ours.get('sub')!r}")
        elif not accepted and case["accepted"]:
            alone.setdefault(case["group"], []).append(f"{case['name']}: {ours.get('code')}")
        both += accepted and case["accepted"]
    for group, names in alone.items():
        if group not in stricter:
            wrong += [f"we alone refuse, and {group} is not listed: {name}" for name in names]
    if len(cases) < least or both < 10:
        wrong.append(f"only {len(cases)} cases, {both} accepted by both")
    if wrong:
        raise Failed("\n".join(wrong))
    for group, names in sorted(alone.items()):
        print(f"  stricter than they: {group}, {len(names)} cases: {stricter[group]}", file=sys.stderr)
    return f"{len(cases)} cases, {both} accepted by both, 0 by us alone, {sum(map(len, alone.values()))} by them alone"
