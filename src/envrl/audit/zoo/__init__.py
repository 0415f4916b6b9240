"""The zoo: hostile programs by class, and harmless ones that look like them."""

from __future__ import annotations

from envrl.audit.zoo import (
    benign,
    cpu,
    display,
    files,
    fresh,
    fresh_again,
    fresh_fifth,
    fresh_fourth,
    fresh_sixth,
    fresh_third,
    host,
    introspection,
    memory,
    network,
    processes,
    protocol,
    source_text,
    swallowing,
    tampering,
    threads,
    values,
)
from envrl.audit.zoo.specimen import Specimen

__all__ = ["BENIGN", "CLASSES"]

CLASSES: dict[str, tuple[Specimen, ...]] = {
    "files": files.PROGRAMS,
    "network": network.PROGRAMS,
    "processes": processes.PROGRAMS,
    "host": host.PROGRAMS,
    "memory": memory.PROGRAMS,
    "cpu": cpu.PROGRAMS,
    "swallowing": swallowing.PROGRAMS,
    "protocol": protocol.PROGRAMS,
    "introspection": introspection.PROGRAMS,
    "values": values.PROGRAMS,
    "source_text": source_text.PROGRAMS,
    "threads": threads.PROGRAMS,
    "tampering": tampering.PROGRAMS,
    "display": display.PROGRAMS,
    "fresh": (
        *fresh.PROGRAMS,
        *fresh_again.PROGRAMS,
        *fresh_third.PROGRAMS,
        *fresh_fourth.PROGRAMS,
        *fresh_fifth.PROGRAMS,
        *fresh_sixth.PROGRAMS,
    ),
}
"""Hostile programs by what they reach for."""

BENIGN: tuple[Specimen, ...] = benign.PROGRAMS
"""Harmless programs that look like hostile ones, or are unusual: none of them may be stopped."""
