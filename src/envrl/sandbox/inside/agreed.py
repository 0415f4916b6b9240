"""What both sides of the wall must agree on, beside the messages themselves."""

from __future__ import annotations

__all__ = ["LAYERS", "SETUP_FAILED"]

LAYERS = ("language", "limits", "no_new_privs", "seccomp", "landlock", "namespaces", "root", "cgroup", "user")
"""Names of the layers, as configs and reports use them."""

SETUP_FAILED = 77
"""Exit code of a worker that could not put on its confinement."""
