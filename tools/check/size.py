"""How large the release executable is: Lambda loads every byte of it at a cold start."""

import io
import zipfile

from .programs import release
from .report import Failed, Proof

LIMIT_MB = 12


def zipped_mb(executable):
    """How large the archive is that is uploaded."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bootstrap", executable)
    return len(archive.getvalue()) / 1e6


def check():
    """The executable stays under its limit; the archive that is uploaded is reported beside it."""
    executable = release().read_bytes()
    size = len(executable) / 1e6
    figure = f"{size:.2f} MB, zipped {zipped_mb(executable):.2f} MB"
    if size > LIMIT_MB:
        raise Failed(f"the release executable is {figure}; the limit is {LIMIT_MB} MB")
    return Proof("size", f"release executable of at most {LIMIT_MB} MB", "the file system", figure)
