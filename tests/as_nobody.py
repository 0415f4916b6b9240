"""Runs a command as nobody where root calls it, and as the caller where an ordinary user does.

    .venv/bin/python tests/as_nobody.py .venv/bin/pytest tests/sandbox

What the command reads may lie where nobody may not look, such as an interpreter below /root: then the command gets a
mount namespace of its own, in which the folders on the way are empty but for what is needed.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOBODY = 65534
NEW_MOUNTS, BIND, PRIVATE = 0x20000, 0x1000, 0x40000 | 0x4000


def closed_folder(path: Path) -> Path | None:
    """The first folder on the way to ``path`` that others may not pass, if there is one."""
    return next((folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001), None)


def call(name: str, *arguments: object) -> None:
    """A function of the C library that gives 0 or an error."""
    libc = ctypes.CDLL(None, use_errno=True)
    words = [os.fsencode(a) if isinstance(a, str | Path) else a for a in arguments]
    if getattr(libc, name)(*words) != 0:
        code = ctypes.get_errno()
        sys.exit(f"{name}{arguments}: {os.strerror(code)}; use an interpreter that every user may read")


def open_the_way(places: list[Path]) -> None:
    """Makes ``places`` readable to everybody, for this process and its children alone."""
    closed = {place: folder for place in places if (folder := closed_folder(place))}
    if not closed:
        return
    call("unshare", NEW_MOUNTS)
    call("mount", None, "/", None, PRIVATE, None)
    held = {place: os.open(place, os.O_PATH) for place in closed}
    for folder in set(closed.values()):
        call("mount", "none", folder, "tmpfs", 0, b"mode=755")
    for place, descriptor in held.items():
        place.mkdir(parents=True, exist_ok=True)
        call("mount", f"/proc/self/fd/{descriptor}", place, None, BIND, None)
        os.close(descriptor)


def main() -> int:
    if os.geteuid() != 0:
        return subprocess.run(sys.argv[1:]).returncode
    open_the_way([Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT])
    with tempfile.TemporaryDirectory(prefix="nobody-", dir="/tmp") as home:
        os.chown(home, NOBODY, NOBODY)
        environment = {
            **os.environ,
            "HOME": home,
            "TMPDIR": home,
            "HYPOTHESIS_STORAGE_DIRECTORY": f"{home}/hypothesis",
        }
        done = subprocess.run(sys.argv[1:], user=NOBODY, group=NOBODY, extra_groups=[], env=environment)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
