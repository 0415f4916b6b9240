"""Registers envrl's environments once Gymnasium is there, without importing it.

``gymnasium.make("envrl:…")`` imports ``envrl`` to have its ids registered, which does nothing where ``envrl`` was
imported before Gymnasium. So that order is watched for: the first import of ``gymnasium`` is followed by one of
``envrl.envs``. Importing Gymnasium here would cost every ``envrl --help`` a tenth of a second.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

__all__ = ["register_when_imported"]

_NAME = "gymnasium"


class _Then(Loader):
    """Gymnasium's own loader, and then ours."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        importlib.import_module("envrl.envs")


class _Watch(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != _NAME:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader)
        return spec


def register_when_imported() -> None:
    """Registers now where Gymnasium is imported already, else when it is."""
    if _NAME in sys.modules:
        importlib.import_module("envrl.envs")
    else:
        sys.meta_path.insert(0, _Watch())
