"""Compares LaTeX expressions with math-verify: a program of its own, started by `latex.Verifier`.

It reads JSON lines ``[truth, answer, seconds]`` and answers each with a line ``true``, ``false``, or ``null`` where one
of them is no expression. ``seconds`` of CPU time are all that a comparison may use: then the kernel ends the process.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from importlib import import_module
from typing import Any

_MEMORY = 2**30


def main() -> None:
    """Serves until the end of its input."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no reply
    try:
        library = import_module("math_verify")
        compare(library, "1", "1")  # what is loaded late is loaded now
    except Exception as error:
        replies.write(f"{type(error).__name__}: {error}".replace("\n", " ")[:300] + "\n")
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    replies.write("ready\n")
    for line in sys.stdin:
        truth, answer, seconds = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            equal = compare(library, truth, answer)
        except Exception:  # out of memory and too deep a recursion, too
            equal = None
        signal.setitimer(signal.ITIMER_PROF, 0)
        replies.write(json.dumps(equal) + "\n")


def compare(library: Any, truth: str, answer: str) -> bool | None:
    """Whether two expressions are equal; None where one cannot be read."""
    # LaTeX only: the library's reader of plain expressions hands them to sympy's, which evaluates.
    targets = [library.LatexExtractionConfig()]
    read = [
        library.parse(f"${text}$", targets, fallback_mode="no_fallback", parsing_timeout=None)
        for text in (truth, answer)
    ]
    return bool(library.verify(*read, timeout_seconds=None)) if all(read) else None


if __name__ == "__main__":
    main()
