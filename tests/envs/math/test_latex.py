"""The worker that compares LaTeX: asked, killed, replaced. Most tests put a small library in math-verify's place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from envrl.envs.math.answers import Tier, judge
from envrl.envs.math.latex import Verifier
from envrl.errors import MissingExtraError, SandboxError

STAND_IN = """
print("what a library prints is no reply")


class LatexExtractionConfig:
    pass


def parse(text, targets, fallback_mode, parsing_timeout):
    assert parsing_timeout is None and fallback_mode == "no_fallback"
    text = text.strip("$")
    if text == "loop":
        while True:
            pass
    if text == "die":
        import os
        os._exit(1)
    if text == "raise":
        raise ValueError(text)
    if text == "large":
        bytearray(2 ** 34)
    return [] if text == "none" else ["".join(sorted(text))]


def verify(truth, answer, timeout_seconds):
    return truth == answer
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "math_verify.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "math_verify", raising=False)
    return tmp_path


@pytest.fixture
def verifier(stand_in: Path) -> Iterator[Verifier]:
    with Verifier(seconds=0.2) as verifier:
        yield verifier


def ours() -> list[psutil.Process]:
    """The workers that run: children of this process may be others', too."""
    return [child for child in psutil.Process().children() if any("latex_worker" in word for word in child.cmdline())]


def test_a_warm_worker_answers_and_what_it_cannot_read_is_none(verifier: Verifier) -> None:
    assert verifier.verify("x+1", "1+x") is True
    workers = ours()
    assert [verifier.verify("x", text) for text in ("y", "none", "raise", "large", "x")] == [
        False, None, None, None, True,
    ]  # fmt: skip
    assert ours() == workers


@pytest.mark.parametrize("text", ["loop", "die"])
def test_a_worker_that_hangs_or_dies_is_replaced(verifier: Verifier, text: str) -> None:
    assert verifier.verify("x", "x") is True
    [first] = ours()
    assert verifier.verify("x", text) is None
    assert verifier.verify("x", "x") is True
    [second] = ours()
    assert first != second
    verifier.close()
    assert ours() == []
    assert verifier.verify("x", "x") is True


def test_no_expression_of_ours_is_handed_over(verifier: Verifier) -> None:
    for text in ("x" * 501, "é", "a\nb", "().__class__"):
        assert verifier.verify("x", text) is None
        assert verifier.verify(text, "x") is None
    assert ours() == []


def test_a_judge_asks_it(verifier: Verifier) -> None:
    assert judge("\\boxed{x+1}", "1+x", verify=verifier.verify).tier is Tier.STRIPPED
    assert judge("\\boxed{x+2}", "1+x", verify=verifier.verify).tier is Tier.WRONG
    assert judge("\\boxed{loop}", "5", verify=verifier.verify).tier is Tier.UNPARSABLE


def test_a_library_that_does_not_load_is_named(stand_in: Path) -> None:
    (stand_in / "math_verify.py").write_text("raise ImportError('no antlr')")
    with Verifier() as verifier, pytest.raises(SandboxError, match="ImportError: no antlr"):
        verifier.verify("x", "x")
    assert ours() == []


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envrl.envs.math.latex.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "envrl\[math\]"'):
        Verifier()


@pytest.mark.skipif(find_spec("math_verify") is None, reason="math-verify is not installed")
def test_the_library_itself() -> None:
    with Verifier(seconds=2.0) as verifier:
        assert verifier.verify("\\frac{\\sqrt{3}}{2}", "\\frac{2\\sqrt{3}}{4}") is True
        assert verifier.verify("x+1", "1 + x") is True
        assert verifier.verify("(3,4)", "(4,3)") is False
        assert verifier.verify("2\\pi", "6.28") is False
        assert verifier.verify("1", "9^{9^{9^{9}}}") is None
        assert verifier.verify("\\sqrt{2}", "\\sqrt 2") is True
