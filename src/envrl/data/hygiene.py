"""What is wrong with rows that a trainer would take without a word: repeated, contradictory, one-sided, leaked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from envrl.data.chat_templates import APPLIED_MARKS
from envrl.data.load import Rows

__all__ = ["Finding", "check_rows"]

Verdict = Literal["ok", "warning", "failed"]

_REPEATED = 0.05  # share of rows that may stand there twice
_LONGER = 1.5  # chosen sides may be so much longer than rejected ones, on average, and the other way round
_ONE_SIDED = 0.9  # share of the longer side being the chosen one, and of one label
_BOTH_BAD = 0.0  # success up to which a side is bad
_FEW = 20  # rows from which on shares say something
_DISTANCE = 0.5  # of the distributions of prompts in training and held-out rows (total variation)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says.

    Attributes:
        verdict: of the check.
        check: its name.
        seen: what it saw.
        mend: what to do, "" where all is well.
    """

    verdict: Verdict
    check: str
    seen: str
    mend: str = ""


def check_rows(rows: Rows, raw: Sequence[dict[str, Any]] = ()) -> list[Finding]:
    """Looks over the rows of a stage (all of them are read).

    Args:
        raw: the rows as they stand in the data, where they were read; figures of play beside pairs are taken from them.
    """
    train = list(rows.train)
    findings: list[Finding | None] = [
        _dropped(rows, len(train)),
        _repeated(train),
        _system_prompts(train),
        _marks(train),
    ]
    if train and "chosen" in train[0]:
        findings += [_contradictions(train), _lengths(train), _both_bad(raw)]
    if train and "label" in train[0]:
        findings.append(_labels(train))
    if rows.eval:
        findings += [_leaks(train, rows.eval), _same_tasks(train, rows.eval)]
    findings += [Finding("warning", "fits", note) for note in rows.notes]
    return [finding for finding in findings if finding is not None]


def _key(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _text(turns: Any) -> str:
    if isinstance(turns, str):
        return turns
    return "\n".join(str(turn.get("content", "")) for turn in turns or ())


def _share(count: int, total: int) -> str:
    return f"{count} of {total} ({count / total:.1%})" if total else f"{count}"


def _dropped(rows: Rows, kept: int) -> Finding:
    total = rows.dropped.total
    if not total:
        return Finding("ok", "rows", f"{kept + len(rows.eval)} rows, none left out")
    reasons = ", ".join(f"{count} {reason}" for reason, count in rows.dropped.counts.most_common())
    return Finding(
        "warning",
        "rows",
        f"{kept + len(rows.eval)} rows; {total} left out: {reasons}",
        "look at the rows named below, and mend or remove them",
    )


def _repeated(train: Sequence[dict[str, Any]]) -> Finding:
    again = len(train) - len({_key(row) for row in train})
    seen = f"{_share(again, len(train))} stand there more than once"
    if again > _REPEATED * len(train):
        return Finding(
            "warning", "repeated rows", seen, "remove repeated rows: each counts as often as it stands there"
        )
    return Finding("ok", "repeated rows", seen)


def _prompts(train: Iterable[dict[str, Any]]) -> Iterable[Any]:
    for row in train:
        turns = row.get("prompt") or row.get("messages")
        if turns is not None:
            yield turns


def _system_prompts(train: Sequence[dict[str, Any]]) -> Finding | None:
    """Whether prompts come from one template: the same system turn, and no two that differ in white space alone."""
    systems: Counter[str] = Counter()
    spaced: dict[str, set[str]] = defaultdict(set)
    for turns in _prompts(train):
        first = turns[0] if isinstance(turns, list) and turns else {}
        systems[first["content"] if first.get("role") in ("system", "developer") else ""] += 1
        asked = turns if isinstance(turns, str) else _text([turn for turn in turns if turn["role"] == "user"][:1])
        spaced["".join(asked.split()).lower()].add(asked)
    if not systems:
        return None
    varied = sum(len(forms) > 1 for forms in spaced.values())
    with_system = systems.total() - systems[""]
    seen = f"{len(systems)} system prompts" if with_system else "no system prompt"
    if varied:
        return Finding(
            "warning",
            "prompt template",
            f"{seen}; {_share(varied, len(spaced))} prompts stand there in forms that differ in white space or case",
            "make all prompts by one template: the model otherwise learns what has no meaning",
        )
    if with_system and systems[""]:
        return Finding(
            "warning",
            "prompt template",
            f"{_share(with_system, systems.total())} have a system prompt, the others none",
            "give all rows the same system prompt, or none",
        )
    return Finding("ok", "prompt template", f"{seen}; {len(spaced)} different prompts")


def _sides(row: dict[str, Any]) -> list[str]:
    return [_text(row[name]) for name in ("completion", "chosen", "rejected") if name in row]


def _marks(train: Sequence[dict[str, Any]]) -> Finding:
    found: Counter[str] = Counter()
    uneven = 0
    for row in train:
        sides = _sides(row)
        for mark in APPLIED_MARKS:
            found[mark] += any(mark in side for side in sides)
        if "chosen" in row:
            # An end of one side alone, or white space: the model could tell the sides apart by it.
            uneven += sides[0].endswith(("\n", " ")) != sides[1].endswith(("\n", " "))
    marked = {mark: count for mark, count in found.items() if count}
    if marked:
        named = ", ".join(f"{mark} in {count}" for mark, count in marked.items())
        return Finding(
            "failed",
            "ends and marks",
            f"answers hold marks of a chat template: {named} rows",
            "remove them: the template is put to the text in training",
        )
    if len(train) and uneven > _REPEATED * len(train):
        return Finding(
            "warning",
            "ends and marks",
            f"in {_share(uneven, len(train))} pairs one side alone ends with white space",
            "strip both sides: the model learns to tell them apart by their end",
        )
    return Finding("ok", "ends and marks", "answers hold no marks of a chat template")


def _contradictions(train: Sequence[dict[str, Any]]) -> Finding:
    ways = {(_key(row["prompt"]), _key(row["chosen"]), _key(row["rejected"])) for row in train}
    both = sum((prompt, rejected, chosen) in ways for prompt, chosen, rejected in ways) // 2
    if both:
        return Finding(
            "failed", "contradictions", f"{both} pairs stand there in both orders", "remove them: they teach nothing"
        )
    return Finding("ok", "contradictions", "no pair stands there in both orders")


def _lengths(train: Sequence[dict[str, Any]]) -> Finding:
    pairs = [tuple(map(len, _sides(row))) for row in train]
    chosen, rejected = (sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1))
    longer = sum(one > other for one, other in pairs)
    differing = sum(one != other for one, other in pairs)
    seen = f"chosen {chosen:.0f} characters, rejected {rejected:.0f}; chosen is longer in {_share(longer, len(pairs))}"
    ratio = max(chosen, rejected) / max(min(chosen, rejected), 1)
    share = max(longer, differing - longer) / max(differing, 1)
    if differing >= _FEW and (ratio > _LONGER or share > _ONE_SIDED):
        return Finding(
            "warning",
            "length",
            seen,
            "the length alone tells the sides apart; add pairs in which it does not, or watch the length in training",
        )
    return Finding("ok", "length", seen)


def _both_bad(raw: Sequence[dict[str, Any]]) -> Finding | None:
    figures = [(row["chosen_success"], row["rejected_success"]) for row in raw if "chosen_success" in row]
    if not figures:
        return None
    bad = sum(max(pair) <= _BOTH_BAD for pair in figures)
    seen = f"in {_share(bad, len(figures))} pairs neither side won a game"
    if bad > 0.5 * len(figures):
        return Finding("warning", "both bad", seen, "choose pairs by success, or from a better model's completions")
    return Finding("ok", "both bad", seen)


def _labels(train: Sequence[dict[str, Any]]) -> Finding:
    good = sum(bool(row["label"]) for row in train)
    seen = f"{_share(good, len(train))} are desirable"
    if good in (0, len(train)):
        return Finding("failed", "labels", seen, "KTO learns from both: add rows of the other label")
    if max(good, len(train) - good) > _ONE_SIDED * len(train):
        weights = [max(1.0, (len(train) - good) / good), max(1.0, good / (len(train) - good))]
        return Finding(
            "warning",
            "labels",
            seen,
            "weigh them alike: method.chosen_weight {:.1f}, method.rejected_weight {:.1f}".format(*weights),
        )
    return Finding("ok", "labels", seen)


def _leaks(train: Sequence[dict[str, Any]], held: Sequence[dict[str, Any]]) -> Finding:
    known = {_key(row) for row in train}
    leaked = sum(_key(row) in known for row in held)
    seen = f"{_share(leaked, len(held))} held-out rows stand among the training rows"
    if leaked:
        return Finding("failed", "held-out rows", seen, "remove repeated rows before they are split")
    return Finding("ok", "held-out rows", seen)


def _same_tasks(train: Sequence[dict[str, Any]], held: Sequence[dict[str, Any]]) -> Finding | None:
    """Whether held-out rows are of the tasks that are trained on, told by what their prompts begin with."""
    parts = [
        Counter(" ".join(_text(turns)[:200].split()[:2]).lower() for turns in _prompts(rows)) for rows in (train, held)
    ]
    sizes = [part.total() for part in parts]
    if min(sizes) < _FEW or len(parts[0]) > sizes[0] / 2:
        return None  # too few rows, or prompts without a common beginning: nothing to compare
    starts = parts[0].keys() | parts[1].keys()
    distance = sum(abs(parts[0][start] / sizes[0] - parts[1][start] / sizes[1]) for start in starts) / 2
    seen = f"beginnings of prompts are {1 - distance:.0%} alike in training and held-out rows"
    if distance > _DISTANCE:
        return Finding(
            "warning", "same tasks", seen, "hold out rows of the same tasks: take them with dataset.val_size"
        )
    return Finding("ok", "same tasks", seen)
