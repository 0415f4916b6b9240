"""`envrl init` writes a package that works, and nothing where something is already."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from envrl.cli.init import command
from envrl.config import load_config
from envrl.errors import ConfigError
from envrl.workflow.init import init
from envrl.workflow.recipes import recipes_folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    init("boat_land", tmp_path)
    return tmp_path / "boat_land"


def test_a_package_announces_its_environment(package: Path) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text())
    assert project["project"]["name"] == "boat_land"
    assert project["project"]["entry-points"]["envrl.envs"] == {"boat_land": "boat_land"}
    (folder,) = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert (package / folder / "__init__.py").is_file()
    assert (package / project["project"]["readme"]).is_file()


def test_nothing_of_a_template_is_left_and_the_environment_is_about_thirty_lines(package: Path) -> None:
    for path in package.rglob("*.*"):
        text = path.read_text()
        assert "$" not in text
        assert "CartPole" not in text
        if path.suffix == ".py":
            compile(text, path, "exec")
    assert len((package / "src/boat_land/__init__.py").read_text().splitlines()) <= 45


def test_the_documentation_shows_it_as_it_is(tmp_path: Path) -> None:
    init("demo", tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "your-own-environment.md").read_text()
    assert (tmp_path / "demo/src/demo/__init__.py").read_text() in page


def test_its_configuration_is_the_recipe_of_any_environment(package: Path) -> None:
    config = load_config(package / "boat_land.yaml").config
    recipe = load_config(recipes_folder() / "any" / "tiny-cpu.yaml").config
    assert config.env.id == "boat_land"
    assert config.model_copy(update={"env": recipe.env}) == recipe


def test_its_own_test_passes(package: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(package)],
        env={**os.environ, "PYTHONPATH": str(package / "src"), "ENVRL_CACHE": str(tmp_path / "cache")},
        capture_output=True, text=True, check=False, cwd=package,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("My-Game", "such as my_game"),
        ("2048", "a letter first"),
        ("a b", "such as a_b"),
        ("../x", "such as x"),
        ("", "''"),
        ("class", "cannot be the name"),
        ("json", "module 'json' is there already"),
        ("gymnasium", "module 'gymnasium' is there already"),
        ("sudoku", "envrl/sudoku-v0"),
    ],
)
def test_a_name_that_cannot_be_used_is_told(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        init(name, tmp_path)
    assert words in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_as_it_is(package: Path) -> None:
    before = {path: path.read_bytes() for path in package.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match="exists already, and is left as it is"):
        init("boat_land", package.parent)
    assert {path: path.read_bytes() for path in package.rglob("*") if path.is_file()} == before


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written: No such file"):
        init("boat_land", tmp_path / "nowhere")


def test_the_command_writes_here_and_says_what_to_do_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(command, ["boat_land"])
    assert said.exit_code == 0, said.output
    assert "wrote boat_land/src/boat_land/__init__.py" in said.output
    assert "pip install -e boat_land" in said.output
    assert (tmp_path / "boat_land" / "README.md").is_file()
