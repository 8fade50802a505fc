"""Picks the checks, runs them, prints the table."""

import os
import sys
import traceback

from . import browser, clerk, contracts, cross, entropy, fuzz, moto, oidc, openapi, rie, sam, sam_local, secrets, size, svix, vapi
from .report import Failed, Skipped, table

CHECKS = {
    "sam": sam.check,
    "size": size.check,
    "entropy": entropy.check,
    "cross": cross.check,
    "rie": rie.check,
    "sam-local": sam_local.check,
    "openapi": openapi.check,
    "moto": moto.check,
    "secrets": secrets.check,
    "clerk": clerk.check,
    "svix": svix.check,
    "vapi": vapi.check,
    "oidc": oidc.check,
    "browser": browser.check,
    "fuzz": fuzz.check,
    "contracts": contracts.check,
}
# What may be absent where CI=true: Node 20 with its packages, Chromium, a Docker engine, Rust's library for arm64, a nightly
# compiler with cargo-fuzz, the documents of `contracts`. Any other skip fails there.
OPTIONAL = {"cross", "sam-local", "clerk", "svix", "vapi", "oidc", "browser", "fuzz", "contracts"}
REQUIRED = [name for name in CHECKS if name not in OPTIONAL]


def main(names):
    """Exit code 0 only when nothing failed and nothing required was skipped in CI."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"unknown check: {', '.join(unknown)}; there are: {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    proofs, failed, skipped = [], [], []
    for name in names or CHECKS:
        try:
            proofs.append(CHECKS[name]())
        except Failed as error:
            failed.append(f"failed: {name}: {error}")
        except Skipped as why:
            skipped.append(name)
            print(f"skipped: {name}: {why}")
        except Exception as error:  # A mistake of one check's own is its failure, and the others still run.
            traceback.print_exc()
            last = (str(error).strip().splitlines() or ["nothing said"])[-1]
            failed.append(f"failed: {name}: {type(error).__name__}: {last}")
    print(table(proofs))
    print("\n".join(failed), end="\n" if failed else "")
    missing = [name for name in skipped if name in REQUIRED] if os.environ.get("CI") == "true" else []
    if missing:
        print(f"failed: CI requires {', '.join(missing)}")
    return 1 if failed or missing else 0
