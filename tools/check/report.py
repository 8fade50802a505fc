"""What a check answers, and the table that shows it."""

import dataclasses
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Failed(Exception):
    """The software did not do what the check asks; the text says what."""


class Skipped(Exception):
    """The peer cannot be had on this machine; the text says why."""


@dataclasses.dataclass
class Proof:
    """One row of the table: what was proven, against whom, with which figure."""

    name: str
    what: str
    against: str
    figure: str


def table(proofs):
    """The rows as aligned text."""
    rows = [("check", "proven", "against", "figure")]
    rows += [(p.name, p.what, p.against, p.figure) for p in proofs]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
