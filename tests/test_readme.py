"""Every command that the README tells its reader to type works, now and not only on the day it was written.

Blocks fenced as ``console`` (lines after ``$``) or ``sh`` are read. Of a training command the configuration is resolved
and printed instead; what sets up or runs for minutes is known by name. A command of any other kind fails this test.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"

# Not run here: they download, set up or take minutes; tests/test_project.py asks make about its targets.
KNOWN = {"git", "cd", "make", "pip", "python", "open", "uv", "source"}


def commands(text: str) -> list[str]:
    """Command lines of the fenced shell blocks, continued lines joined, comments left out."""
    found: list[str] = []
    for kind, block in re.findall(
        r"^[ ]*```(console|sh|bash|shell)\b[^\n]*\n(.*?)^[ ]*```", text, re.MULTILINE | re.DOTALL
    ):
        lines = textwrap.dedent(block).replace("\\\n", " ").splitlines()
        if kind == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        split = [shlex.split(line, comments=True) for line in lines]
        found += [shlex.join(words) for words in split if words]
    return found


TEXT = README.read_text() if README.exists() else ""
COMMANDS = commands(TEXT)
OURS = [c for c in COMMANDS if shlex.split(c)[0] == "envrl"]


def test_blocks_are_read_as_a_reader_would_type_them() -> None:
    text = (
        "```console\n$ envrl envs  # all\noutput\n$ make test\n```\n```python\nenvrl.train()\n```\n"
        "  ```sh\n  # a comment\n\n  envrl eval \\\n    --seeds 5\n  ```\n"
    )
    assert commands(text) == ["envrl envs", "make test", "envrl eval --seeds 5"]


def test_the_two_commands_of_a_newcomer_are_named() -> None:
    assert "make train" in TEXT
    assert "make test" in TEXT


def test_every_command_is_of_a_known_kind() -> None:
    assert {shlex.split(c)[0] for c in COMMANDS} <= KNOWN | {"envrl"}


def test_make_commands_name_targets_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in COMMANDS:
        if command.startswith("make "):
            assert {w for w in shlex.split(command)[1:] if "=" not in w and not w.startswith("-")} <= targets, command


@pytest.mark.parametrize("command", OURS)
def test_commands_of_envrl_run(command: str, tmp_path: Path) -> None:
    words = shlex.split(command)[1:]
    if words[0] == "train":
        words = resolved_only(words)
    elif words[0] == "eval" and "--plan" not in words:
        words += ["--output", str(tmp_path / "sweep")]
    done = subprocess.run(
        [sys.executable, "-m", "envrl", *words],
        cwd=tmp_path if words[0] == "init" else ROOT,  # the one command that writes where it is called
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def resolved_only(words: list[str]) -> list[str]:
    """A training command that trains nothing; of one that resumes a run, the help is asked for."""
    return ["train", "--help"] if "--resume" in words else [*words, "--print-config"]
