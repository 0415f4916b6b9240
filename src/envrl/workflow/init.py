"""What ``envrl init`` does: a small package with an environment in it that works, to be made into one's own."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from importlib.resources import files
from pathlib import Path
from string import Template

from envrl.envs import short_names
from envrl.errors import ConfigError
from envrl.workflow.recipes import recipes_folder

__all__ = ["init"]

_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "src/{name}/__init__.py": "environment.py",
    "tests/test_{name}.py": "test.py",
}
_EXAMPLE = "CartPole-v1"  # in the recipe of any environment


def init(name: str, parent: Path = Path()) -> list[Path]:
    """Writes a new package: pyproject, environment, test, configuration, README.

    Args:
        name: of the package, of its folder, and of the environment on the command line.
        parent: the folder that it is written into.

    Returns:
        The files, as they lie in ``parent``.

    Raises:
        ConfigError: the name is none that a package can have, or is taken; or the folder exists, or cannot be written.
    """
    folder = parent / name
    _check_name(name, folder)
    texts = {
        place.format(name=name): Template(_template(source)).substitute(name=name) for place, source in _FILES.items()
    }
    texts[f"{name}.yaml"] = _recipe(name)
    try:
        folder.mkdir()
        for place, text in texts.items():
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from None
    return [folder / place for place in texts]


def _check_name(name: str, folder: Path) -> None:
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        close = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_0123456789")
        hint = f", such as {close}" if close and not keyword.iskeyword(close) else ""
        raise ConfigError(
            f"{name!r} cannot be the name of a package: write lower-case letters, digits and '_', a letter first{hint}"
        )
    if folder.exists():
        raise ConfigError(f"{folder} exists already, and is left as it is: choose another name, or another place")
    if name in sys.stdlib_module_names or importlib.util.find_spec(name) is not None:
        raise ConfigError(
            f"a module {name!r} is there already, which a package of that name would hide: choose another"
        )
    if name in short_names():
        raise ConfigError(f"an environment {name!r} is there already ({short_names()[name]}): choose another name")


def _template(name: str) -> str:
    # Not named .py: nothing collects, checks or imports what is a template still.
    return (files("envrl.workflow") / "templates" / f"{name}.txt").read_text(encoding="utf-8")


def _recipe(name: str) -> str:
    """The recipe of any environment, for this one; without its head, which speaks of envrl's own folders."""
    _, _, body = (recipes_folder() / "any" / "tiny-cpu.yaml").read_text(encoding="utf-8").partition("\n\n")
    return f"# The tiny model learns {name} on a laptop: envrl train {name}.yaml\n\n{body.replace(_EXAMPLE, name)}"
