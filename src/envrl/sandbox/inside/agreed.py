"""What both sides of the wall must agree on, beside the messages themselves."""

from __future__ import annotations

__all__ = ["LAYERS", "LEAST", "SETUP_FAILED"]

LAYERS = ("language", "limits", "no_new_privs", "seccomp", "landlock", "namespaces", "root", "cgroup", "user")
"""Names of the layers, as configs and reports use them."""

LEAST = ("limits", "no_new_privs", "seccomp")
"""Without these nothing is run, unless the user says otherwise."""

SETUP_FAILED = 77
"""Exit code of a worker that could not put on its confinement."""
