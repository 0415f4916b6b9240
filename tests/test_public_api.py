"""The public face: light to import, complete, and known to Gymnasium."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import envrl
from envrl import errors

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "transformers", "trl", "numpy", "gymnasium", "datasets", "scipy", "pydantic", "rich")
NOT_IMPORTED = ("envrl.__main__", "envrl.sandbox.inside")  # a program; what lives in the zygote alone


def in_a_fresh_process(code: str) -> Any:
    """What the last line of the output of some code says, as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(envrl.__path__, "envrl.")
    return [importlib.import_module(m.name) for m in found if not m.name.startswith(NOT_IMPORTED)]


def test_importing_envrl_loads_nothing_heavy() -> None:
    code = f"import json, sys, envrl\nprint(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    assert in_a_fresh_process(code) == []


def test_help_loads_nothing_heavy() -> None:
    code = f"""
import json, sys
from envrl.cli.main import cli
sys.argv = ["envrl", "--help"]
cli.main(standalone_mode=False)
print(json.dumps([m for m in {HEAVY} if m in sys.modules]))
"""
    assert in_a_fresh_process(code) == []


def test_no_module_of_the_house_loads_torch_by_being_imported() -> None:
    code = f"""
import importlib, json, pkgutil, sys, envrl
for module in pkgutil.walk_packages(envrl.__path__, "envrl."):
    if not module.name.startswith({NOT_IMPORTED}):
        importlib.import_module(module.name)
print(json.dumps([m for m in ("torch", "transformers", "trl", "datasets", "unsloth", "vllm") if m in sys.modules]))
"""
    assert in_a_fresh_process(code) == []


def test_every_public_name_resolves() -> None:
    assert len(set(envrl.__all__)) == len(envrl.__all__)
    for name in envrl.__all__:
        assert getattr(envrl, name) is not None
        assert name in dir(envrl)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = envrl.no_such_name


def test_a_public_name_is_the_one_that_its_home_defines() -> None:
    for name in set(envrl.__all__) - {"__version__"}:
        value = getattr(envrl, name)
        assert value is getattr(importlib.import_module(value.__module__), name)


def test_every_name_in_an_all_resolves() -> None:
    for module in modules():
        for name in getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{module.__name__}.{name}"


def test_gymnasium_finds_the_environments_by_the_package_in_their_name() -> None:
    code = """
import gymnasium, json
env = gymnasium.make("envrl:envrl/2048-v0")
observation, info = env.reset(seed=5)
print(json.dumps([env.spec.id, list(observation.shape), info["max_tile"]]))
"""
    spec, shape, largest = in_a_fresh_process(code)
    assert (spec, shape) == ("envrl/2048-v0", [4, 4])
    assert largest in (2, 4)


@pytest.mark.parametrize("imports", ["envrl, gymnasium", "gymnasium, envrl", "envrl, gymnasium.envs, envrl.envs"])
@pytest.mark.parametrize("name", ["envrl:envrl/2048-v0", "envrl/2048-v0"])
def test_gymnasium_finds_the_environments_in_whatever_order_the_two_are_imported(imports: str, name: str) -> None:
    code = f"""
import {imports}, json
print(json.dumps(gymnasium.make({name!r}).spec.id))
"""
    assert in_a_fresh_process(code) == "envrl/2048-v0"


def test_gymnasium_finds_the_environments_after_importing_them() -> None:
    code = """
import envrl.envs, gymnasium, json
print(json.dumps(gymnasium.make("envrl/2048-notebook-v0").reset(seed=0)[0].tolist()))
"""
    assert sum(cell > 0 for row in in_a_fresh_process(code) for cell in row) == 2


def test_the_tree_of_errors_is_the_one_that_its_docstring_draws() -> None:
    modules()  # whoever defines an error of their own has done so now
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    below = errors.EnvrlError.__subclasses__()
    below += [deeper for error in below for deeper in error.__subclasses__()]
    ours = {e for e in below if e.__module__.startswith("envrl.")}
    assert {e.__name__ for e in ours} == set(drawn)
    assert len(drawn) == len(set(drawn))
    assert {e.__module__ for e in ours} == {"envrl.errors"}
    assert {*drawn, "EnvrlError"} <= set(errors.__all__)


def test_an_unknown_name_is_answered_with_the_nearest_or_with_all() -> None:
    near = errors.UnknownNameError("block", "tset", ["test", "final"])
    assert str(near) == "unknown block 'tset': did you mean test?"
    assert str(errors.UnknownNameError("block", "zzz", ["test", "final"])) == "unknown block 'zzz': known: final, test"
    assert errors.nearest("TEST", ["test", "final"]) == ["test"]


def test_a_missing_extra_names_the_line_that_installs_it() -> None:
    error = errors.MissingExtraError("train", "torch", "training")
    assert str(error) == 'training needs torch, which is not installed: pip install "envrl[train]"'
    assert (error.extra, error.module) == ("train", "torch")
