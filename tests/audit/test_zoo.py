"""The zoo is in good order, and with all layers on none of its programs gains or touches anything."""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter

import pytest

from envrl.audit import BENIGN, CLASSES, Audit, Bait, audit
from envrl.audit.bait import TOKENS
from envrl.audit.preload import MODULES
from envrl.envs import find_task
from envrl.sandbox import LANGUAGE_IMPORTS

ZOO = {**CLASSES, "benign": BENIGN}
ALL = [specimen for specimens in ZOO.values() for specimen in specimens]
SPOILT = "source_text"  # the class of programs that are meant not to be programs
ALWAYS_THERE = {"__future__", "msgspec", "numpy"}
NEVER_THERE = {"zoo_mark"}  # what a program would have put there in an earlier game

each_class = pytest.mark.parametrize("kind", ZOO)
each_proper_class = pytest.mark.parametrize("kind", [kind for kind in ZOO if kind != SPOILT])


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    """The programs of all proper classes by name, compiled."""
    made = {}
    with Bait() as bait, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is doubtful style is no matter here
        for kind, specimens in ZOO.items():
            for specimen in specimens if kind != SPOILT else ():
                tree = ast.parse(bait.fill(specimen.source, "strategy", '"W"'), specimen.name)
                compile(tree, specimen.name, "exec", dont_inherit=True)
                made[specimen.name] = tree
    return made


def test_there_are_enough() -> None:
    assert sum(len(specimens) for specimens in CLASSES.values()) >= 150
    assert len(BENIGN) >= 30
    assert all(CLASSES.values())


def test_names_and_programs_are_unique() -> None:
    assert [name for name, count in Counter(specimen.name for specimen in ALL).items() if count > 1] == []
    assert len({specimen.source for specimen in ALL}) == len(ALL)


@each_class
def test_names_and_descriptions_keep_their_style(kind: str) -> None:
    for specimen in ZOO[kind]:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", specimen.name)
        assert re.fullmatch(r"(never )?[a-z]+s,? .*[^.]", specimen.what), "a verb in the third person, no full stop"
        assert len(specimen.what) <= 120, specimen.name


@each_proper_class
def test_tokens_are_known(kind: str) -> None:
    for specimen in ZOO[kind]:
        assert set(re.findall(r"(?<!\$)\$(\w+)", specimen.source)) <= TOKENS, specimen.name


@each_proper_class
def test_entry_points_are_defined(kind: str, trees: dict[str, ast.Module]) -> None:
    for specimen in ZOO[kind]:
        tree = trees[specimen.name]
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        assert "strategy" in names, specimen.name


@each_proper_class
def test_what_is_imported_is_loaded_beforehand(kind: str, trees: dict[str, ast.Module]) -> None:
    for specimen in ZOO[kind]:
        wanted = set()
        for node in ast.walk(trees[specimen.name]):
            if isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                wanted.add(node.module or "")
        assert wanted <= {*MODULES, *LANGUAGE_IMPORTS, *ALWAYS_THERE, *NEVER_THERE}, specimen.name


@pytest.fixture(scope="module")
def found() -> Audit:
    """All of the zoo under all layers."""
    return audit(find_task("2048"), seeds=2)  # what one game leaves to another wants two


def test_none_gains(found: Audit) -> None:
    assert found.gained == ()


def test_none_touches_anything(found: Audit) -> None:
    assert found.touched == ()
    assert found.unattributed == {}


def test_all_are_judged(found: Audit) -> None:
    assert found.unjudged == ()
    assert len(found.findings) == sum(len(specimens) for specimens in CLASSES.values())


def test_no_harmless_program_is_stopped(found: Audit) -> None:
    assert found.false_alarms == ()
