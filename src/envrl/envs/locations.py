"""Where users keep environments: modules, files and installed packages, each loaded once and known to referees too."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

from envrl.errors import EnvError

__all__ = ["GROUP", "load", "load_all", "load_installed", "loaded", "split_location"]

GROUP = "envrl.envs"
"""The entry-point group by which an installed package announces its environments: the value is a module to import."""

_loaded: list[str] = []
_installed_loaded = False


def split_location(name: str) -> tuple[str, str] | None:
    """``path/to/file.py:name`` as file and name (which may be empty); None for a name without a file."""
    path, colon, rest = name.rpartition(":")
    if colon and path.endswith(".py"):
        return path, rest
    return (name, "") if name.endswith(".py") else None


def loaded() -> tuple[str, ...]:
    """What has been loaded here: another process that is to unpickle a task loads these first."""
    return tuple(_loaded)


def load(location: str) -> None:
    """Imports a module, or a file that ends in ``.py``; doing it twice changes nothing.

    Raises:
        EnvError: there is no such module or file, or it raises.
    """
    if location.endswith(".py"):
        location = str(Path(location).expanduser().resolve())  # referees may work elsewhere
    if location in _loaded:
        return
    try:
        if location.endswith(".py"):
            _load_file(Path(location))
        else:
            importlib.import_module(location)
    except EnvError:
        raise
    except (Exception, SystemExit) as error:
        raise EnvError(f"{location} cannot be loaded: {type(error).__name__}: {error}") from error
    _loaded.append(location)


def _load_file(path: Path) -> None:
    if not path.is_file():
        raise EnvError(f"{path}: there is no such file")
    # A name of its own, the same in every process, so that what it defines can be pickled by reference.
    name = f"envrl_file_{hashlib.blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def load_installed() -> None:
    """Imports the modules that installed packages announce; once.

    Raises:
        EnvError: one of them raises; the message names its package.
    """
    global _installed_loaded
    if _installed_loaded:
        return
    for point in entry_points(group=GROUP):
        try:
            load(point.module)
        except EnvError as error:
            package = point.dist.name if point.dist else "an installed package"
            raise EnvError(f"{package} announces environments that cannot be loaded: {error}") from error
    _installed_loaded = True


def load_all(locations: Sequence[str]) -> None:
    """What another process had `loaded`."""
    for location in locations:
        load(location)
