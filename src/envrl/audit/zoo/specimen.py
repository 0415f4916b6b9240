"""What a program of the zoo is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["POLICY", "REST", "Specimen"]

POLICY = """\
try:
    type("C", (), {})
    policy = False
except TypeError:
    policy = True


"""
"""Begins a program that has to know whether the language policy is on, for the policy lends another ``type``."""

REST = """\
import _thread

lock = _thread.allocate_lock()
lock.acquire()


"""
"""Begins a program that sleeps, by ``lock.acquire(True, seconds)``, without a system call for sleeping."""


@dataclass(frozen=True)
class Specimen:
    """One program of the zoo.

    Attributes:
        name: unique in the zoo.
        what: the one thing that it tries, in a clause.
        source: its text, with the ``$tokens`` that `envrl.audit.bait` fills in.
    """

    name: str
    what: str
    source: str
