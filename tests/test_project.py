"""The frame holds together: constraints, citation, Makefile and CI agree with pyproject.toml."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]
ALWAYS: list[str] = PROJECT["project"]["dependencies"]

SETS = {
    "core.txt": [*ALWAYS, *EXTRAS["train"], *EXTRAS["report"], *GROUPS["dev"], *GROUPS["docs"]],
    "gpu.txt": [*ALWAYS, *(r for extra in EXTRAS.values() for r in extra), *GROUPS["dev"]],
}
TARGETS = ("train", "test", "check", "bench", "docs", "clean", "help")


def pins(name: str) -> dict[str, Version]:
    """Version of every package of a constraints file, by normalised name."""
    found: dict[str, Version] = {}
    for line in (ROOT / "constraints" / name).read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        requirement = Requirement(line)
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", f"{name}: {line!r} is not a pin"
        assert "*" not in specifier.version, f"{name}: {line!r} is not one version"
        assert requirement.url is None, f"{name}: {line!r} names a place"
        assert not requirement.extras, f"{name}: pip refuses extras in constraints: {line!r}"
        package = canonicalize_name(requirement.name)
        assert package not in found, f"{name}: {package} is pinned twice"
        found[package] = Version(specifier.version)
    return found


@pytest.mark.parametrize("name", SETS)
def test_constraints_pin_every_direct_dependency_within_its_range(name: str) -> None:
    pinned = pins(name)
    for text in SETS[name]:
        requirement = Requirement(text)
        package = canonicalize_name(requirement.name)
        if package == "envrl":  # an extra that includes another
            continue
        assert package in pinned, f"{name} does not pin {package}"
        assert requirement.specifier.contains(pinned[package], prereleases=True), (
            f"{name} pins {package} {pinned[package]}, pyproject.toml wants {requirement.specifier}"
        )


@pytest.mark.parametrize("name", SETS)
def test_both_sets_hold_the_same_torch_without_a_local_version(name: str) -> None:
    torch = pins(name)["torch"]
    assert torch == Version("2.13.0")
    assert torch.local is None


def test_trl_pins_avoid_the_release_that_fails_on_a_cpu() -> None:
    (trl,) = (Requirement(r) for r in EXTRAS["train"] if Requirement(r).name == "trl")
    assert not trl.specifier.contains("1.15.0")
    assert all(trl.specifier.contains(pins(name)["trl"]) for name in SETS)


def test_citation_names_this_version_and_licence() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]
    assert citation["repository-code"] == PROJECT["project"]["urls"]["Source"]


def test_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_changelog_has_an_unreleased_section() -> None:
    assert re.search(r"^## \[Unreleased\]$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_makefile_has_its_targets_and_help_names_them() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in TARGETS:
        assert re.search(rf"^{target}:.*## \S", makefile, re.MULTILINE), f"no documented target {target}"


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("target", TARGETS)
def test_make_understands_every_target(target: str) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "UV", "ARGS"))}
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_clean_never_names_runs() -> None:
    recipe = re.search(r"^clean:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    assert "runs" not in recipe[1]


def test_ci_checks_and_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = script.read_text().splitlines()
    assert "set -euo pipefail" in lines
    assert lines.index("make check") < lines.index("make test")
