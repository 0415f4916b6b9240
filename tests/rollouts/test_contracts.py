"""Output contracts: what counts as a strategy's source, by class of model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.errors import UnknownNameError
from envrl.rollouts import CONTRACTS, Extracted, extract, fenced

CODE = "def strategy(board):\n    return 'W'"
BLOCK = f"```python\n{CODE}\n```"

TAKEN = {
    "tiny": {
        "a block": BLOCK,
        "py": BLOCK.replace("python", "py"),
        "python3": BLOCK.replace("python", "python3"),
        "no language": BLOCK.replace("python", ""),
        "capitals": BLOCK.replace("python", "Python"),
        "blanks around": f"\n  {BLOCK}\n\n",
        "a fence inside a string": f"```python\n{CODE}\nx = 'a ``` b'\n```",
        "an indented fence inside": f"```python\n{CODE}\n  ```\n```",
    },
    "chat": {
        "a block": BLOCK,
        "prose around": f"Here it is:\n{BLOCK}\nHave fun with it.",
        "another language beside": f"```bash\nls\n```\n{BLOCK}\n```text\nout\n```",
        "inline code": f"Use `x` and ```y``` as in\n{BLOCK}",
        "trailing blanks": BLOCK.replace("python\n", "python   \n"),
    },
    "reasoning": {
        "a block": BLOCK,
        "thoughts with a block": f"<think>\n{BLOCK}\n</think>\n{BLOCK}",
        "thoughts with an open fence": f"<think>\n```python\n</think>\nSo:\n{BLOCK}",
        "no opening mark": f"I think\n```python\nx\n```\n</think>{chr(10)}{BLOCK}",
        "channels": f"<|channel|>analysis<|message|>{BLOCK}<|channel|>final<|message|>\n{BLOCK}",
        "thinking": f"<thinking>hm</thinking>\n{BLOCK}",
        "last end counts": f"<think>a</think>\n{BLOCK}\n</think>\n{BLOCK}",
    },
    "notebook": {
        "a block": BLOCK,
        "the first of two": f"{BLOCK}\n```python\ndef other(): pass\n```",
        "on one line": f"```{CODE}```",
        "what stands before def": BLOCK.replace("def", "x = 1\ndef"),
        "no language": BLOCK.replace("python", ""),
    },
}
REFUSED = {
    "tiny": {
        "nothing": "",
        "no fence": CODE,
        "prose before": f"Sure!\n{BLOCK}",
        "prose after": f"{BLOCK}\nDone.",
        "two blocks": f"{BLOCK}\n{BLOCK}",
        "open fence": f"```python\n{CODE}",
        "open fence after": f"{BLOCK}\n```python\n",
        "a fence alone": "```",
        "another language": BLOCK.replace("python", "bash"),
        "on one line": f"```python {CODE}```",
        "a fence inside a string, at the start of a line": f"```python\n{CODE}\nx = '''\n```\n'''\n```",
    },
    "chat": {
        "prose only": "I would move left.",
        "two blocks": f"{BLOCK}\nor\n{BLOCK}",
        "open fence": f"So:\n```python\n{CODE}",
        "fence within a line": f"So: {BLOCK.splitlines()[0]}\n{CODE}\n",
    },
    "reasoning": {
        "endless thought": f"<think>\n{BLOCK}",
        "endless analysis": f"<|channel|>analysis<|message|>\n{BLOCK}",
        "thought only": f"<think>\n{BLOCK}\n</think>\nI am done.",
        "two blocks after": f"<think></think>\n{BLOCK}\n{BLOCK}",
    },
    "notebook": {"no fence": CODE, "one fence": f"```python\n{CODE}", "no def": "```python\nx = 1\n```"},
}


def cases(table: dict[str, dict[str, str]]) -> list[object]:
    return [
        pytest.param(contract, text, id=f"{contract}: {name}")
        for contract, texts in table.items()
        for name, text in texts.items()
    ]


@pytest.mark.parametrize(("contract", "text"), cases(TAKEN))
def test_what_keeps_the_contract_gives_its_source(contract: str, text: str) -> None:
    source, reason = extract(text, contract)
    assert source is not None
    assert source.strip().startswith(CODE)
    assert reason == ""


@pytest.mark.parametrize(("contract", "text"), cases(REFUSED))
def test_what_breaks_the_contract_gives_a_reason(contract: str, text: str) -> None:
    source, reason = extract(text, contract)
    assert source is None
    assert reason


def test_thoughts_are_never_taken_for_the_answer() -> None:
    assert extract(f"<think>\n```python\nbad\n```\n</think>\n{BLOCK}", "reasoning").source == CODE + "\n"


def test_notebook_begins_at_the_first_def() -> None:
    assert extract("```python\nimport os\ndef f(): pass\n```", "notebook") == Extracted("def f(): pass")


def test_an_unknown_contract_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean chat"):
        extract("", "chatt")


@pytest.mark.parametrize("contract", CONTRACTS)
@given(
    text=st.lists(
        st.sampled_from(["```", "python", "\n", "x", " ", "<think>", "</think>", "def", "\ud800", "\0", "\r"])
    ).map("".join)
)
def test_extraction_never_raises_and_gives_a_source_or_a_reason(contract: str, text: str) -> None:
    source, reason = extract(text, contract)
    assert (source is None) == bool(reason)
    assert source is None or source in text


@given(st.text(st.characters(exclude_characters="`"), max_size=200))
def test_a_fenced_program_is_found_again_by_every_contract_that_wants_one(source: str) -> None:
    for contract in ("tiny", "chat"):
        assert extract(fenced(source), contract).source == f"{source.rstrip()}\n"


# Each would take hours if any scan were quadratic.
FLOODS = {
    "backticks": "`" * 2_000_000,
    "fences": "```" * 700_000,
    "fences by line": "```\n" * 500_000,
    "languages by line": "```python\n" * 200_000,
    "indented fences": " ```\n" * 400_000,
    "thoughts": "<think>" * 300_000,
    "ends of thoughts": "</think>" * 300_000,
    "blanks": " " * 2_000_000,
    "newlines": "\n" * 2_000_000,
    "def": "```" + "def " * 500_000 + "```",
    "one open fence": "```python\n" + "x" * 2_000_000,
}


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("flood", FLOODS)
def test_extraction_is_linear(contract: str, flood: str) -> None:
    source, reason = extract(FLOODS[flood], contract)
    assert (source is None) == bool(reason)
