"""Registers envrl's environments once Gymnasium is there, without importing it.

``gymnasium.make("envrl:…")`` imports ``envrl`` to have its ids registered, which does nothing where ``envrl`` was
imported before Gymnasium. So that order is watched for: when ``gymnasium`` has been executed, ``envrl.envs`` is
imported. Importing Gymnasium here would cost every ``envrl --help`` a tenth of a second.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["register_when_imported"]

_NAME = "gymnasium"


class _Watch(MetaPathFinder):
    """Finds Gymnasium as it is found without it, and has its loader call us back; gone when that has happened."""

    _looking = False

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != _NAME or self._looking:
            return None
        self._looking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            loader, execute = spec.loader, spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                del loader.exec_module  # the class's own again
                execute(module)
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                importlib.import_module("envrl.envs")

            loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def register_when_imported() -> None:
    """Registers now where Gymnasium is imported already, else when it is."""
    if _NAME in sys.modules:
        importlib.import_module("envrl.envs")
    else:
        sys.meta_path.insert(0, _Watch())
