"""Runs untrusted Python. Knows nothing of games or rewards.

A `Profile` says what programs are lent; a `Sandbox` keeps a zygote warm for it and gives each `Program` a confined
process of its own; replies are values (`Loaded`, `Played`) or a `Fault` with its outcome. A sandbox serves one thread
at a time; `envrl.sandbox.asynchronous` has one for asyncio.
"""

from envrl.sandbox.host import LAYERS, LEAST, Program, Reply, Sandbox, active_layers
from envrl.sandbox.messages import Fault, Loaded, Played
from envrl.sandbox.profile import LANGUAGE_IMPORTS, Profile

__all__ = [
    "LANGUAGE_IMPORTS",
    "LAYERS",
    "LEAST",
    "Fault",
    "Loaded",
    "Played",
    "Profile",
    "Program",
    "Reply",
    "Sandbox",
    "active_layers",
]
