"""The reward workbench: saved completions, scored as in training but without it, with every component and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from envrl.envs import Task
from envrl.envs.math.answers import STYLES, Style
from envrl.errors import ConfigError, RewardFault, RunError, UnknownNameError
from envrl.evaluation.escape import one_line
from envrl.rewards import Preset, Scored, Scorer
from envrl.rewards.answers import AnswerPreset, score_answers
from envrl.rollouts import CONTRACTS, Scorecard, open_arena
from envrl.seeding import Block, block_salt, parse_indices
from envrl.workflow.watching import Watcher

__all__ = [
    "ANSWER_TASK",
    "Bench",
    "BenchRow",
    "Saved",
    "bench_answers",
    "bench_play",
    "parse_weights",
    "read_saved",
    "why",
]

ANSWER_TASK = "math-answer"
"""What ``--env`` names for completions that are the answer."""

_LONGEST = 2**24  # bytes of a file of one completion
_SHOWN = 5
_SALT = "envrl/workbench"  # of the block train, whose own belongs to a run


@dataclass(frozen=True, slots=True)
class Saved:
    """One saved completion.

    Attributes:
        place: where it stands, as a person finds it: ``file:line``, or the file.
        text: the completion.
        columns: the other fields of its line.
    """

    place: str
    text: str
    columns: dict[str, Any]


class BenchRow(msgspec.Struct, frozen=True):
    """One completion, scored; ``contributions`` are the components times their weights."""

    place: str
    outcome: str
    why: str
    rewards: dict[str, float | None]
    contributions: dict[str, float | None]
    total: float | None
    completion: str


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What the workbench found; ``seeds`` and ``block`` are None for an answer task."""

    env: str
    preset: str
    weights: dict[str, float]
    contract: str | None
    seeds: str | None
    block: str | None
    rows: tuple[BenchRow, ...]


def read_saved(paths: Sequence[Path]) -> list[Saved]:
    """Completions from files: JSON lines (``.jsonl``) with a ``completion`` each, or a single such object (``.json``).

    Any other file is a completion as it stands.

    A completion is a text or chat messages; an assistant's last one in ``messages`` will do, too. A line that
    ``envrl train`` kept, in ``runs/<name>/completions``, is one.

    Raises:
        RunError: what cannot be read; every bad line is named, by file and line.
    """
    saved: list[Saved] = []
    problems: list[str] = []
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RunError(f"{path}: cannot be read ({error.strerror})") from None
        if path.suffix not in (".jsonl", ".json"):
            if len(content) > _LONGEST:
                raise RunError(f"{path}: {len(content):,} bytes are no single completion; write JSON lines (.jsonl)")
            saved.append(Saved(str(path), content.decode("utf-8", "replace"), {}))
            continue
        lines = content.split(b"\n") if path.suffix == ".jsonl" else [content]
        for number, line in enumerate(lines, 1):
            if line.strip():
                found = _of_line(line, f"{path}:{number}" if path.suffix == ".jsonl" else str(path))
                problems.append(found) if isinstance(found, str) else saved.append(found)
    if problems:
        more = f"\nand {len(problems) - _SHOWN} more lines" if len(problems) > _SHOWN else ""
        raise RunError("\n".join(problems[:_SHOWN]) + more)
    if not saved:
        raise RunError(f'{paths[0]}: holds no completion; give JSON lines such as {{"completion": "…"}}')
    return saved


def _of_line(line: bytes, place: str) -> Saved | str:
    try:
        row = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"{place}: no JSON object ({one_line(str(error))}); mend or remove the line"
    content = row.get("completion", row.get("messages"))
    if isinstance(content, list):
        spoken = [m.get("content") for m in content if isinstance(m, dict) and m.get("role") == "assistant"]
        content = spoken[-1] if spoken else None
    if not isinstance(content, str):
        has = one_line(", ".join(map(repr, sorted(row)[:6]))) or "nothing"
        return f'{place}: no completion: it needs "completion" or "messages" with an assistant\'s text; it has {has}'
    columns = {name: value for name, value in row.items() if name not in ("completion", "messages")}
    return Saved(place, content, columns)


def _columns(saved: Sequence[Saved], besides: Sequence[str]) -> dict[str, list[Any]]:
    """The other fields of all lines, None where a line lacks one."""
    names = dict.fromkeys(name for one in saved for name in one.columns if name not in besides)
    return {name: [one.columns.get(name) for one in saved] for name in names}


def _prompts(saved: Sequence[Saved], usual: str) -> list[Any]:
    """Prompts as TRL gives them: each line's own, else the task's."""
    own = [one.columns.get("prompt", usual) for one in saved]
    return [[{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt for prompt in own]


_OURS = ("prompt", "prompts", "completions", "seeds", "scorecards", "card", "rewards", "total", "truth")


def bench_play(
    saved: Sequence[Saved],
    task: Task,
    preset: Preset,
    *,
    contract: str,
    seeds: str,
    block: Block,
    workers: int | None,
    require: Sequence[str],
    watcher: Watcher,
) -> Bench:
    """Plays and scores saved completions of a task that is played.

    Args:
        seeds: indices of the block, as a user writes them; every completion plays them all.
        block: of the seeds. The salt of ``train`` is the workbench's own, so that its games are nobody's.

    Raises:
        EnvrlError: an unknown contract, bad seeds, a sandbox that is too weak, or a reward function's fault.
    """
    if contract not in CONTRACTS:
        raise UnknownNameError("output contract", contract, CONTRACTS)
    indices = tuple(parse_indices(seeds))
    salt = block_salt(block, task.id, task.version, _SALT)
    prompt = task.prompt(contract)
    columns = _columns(saved, _OURS) | {"prompts": _prompts(saved, prompt)}
    with open_arena(task, workers=workers, require=require) as arena:
        arena.ready()
        watcher.phase("playing completions", len(saved))
        scorer = Scorer(arena, contract, preset, block, salt, prompt)
        with _placed(saved):
            scored = scorer.score([one.text for one in saved], [indices] * len(saved), watcher.advance, columns)
    return Bench(
        env=task.id,
        preset=preset.name,
        weights=dict(preset.weights),
        contract=contract,
        seeds=seeds,
        block=block,
        rows=_rows(saved, scored, preset.weights),
    )


def bench_answers(
    saved: Sequence[Saved], preset: AnswerPreset, *, style: Style | None = None, latex: bool = False
) -> Bench:
    """Judges saved completions that are answers; each line holds the right one under ``truth``.

    Args:
        style: how answers are marked; None for any style.
        latex: whether math-verify compares what is no number.

    Raises:
        RunError: lines without a ``truth``, by file and line.
        EnvrlError: math-verify is not installed, or a reward function's fault.
    """
    if style is not None and style not in STYLES:
        raise UnknownNameError("style of answers", style, STYLES)
    truths = [one.columns.get("truth") for one in saved]
    lacking = [
        one.place for one, truth in zip(saved, truths, strict=True) if isinstance(truth, bool) or not _is_answer(truth)
    ]
    if lacking:
        raise RunError(
            f"{', '.join(lacking[:_SHOWN])}{' …' if len(lacking) > _SHOWN else ''}: no right answer: write it as a "
            f'text or a number under "truth" ({len(lacking)} of {len(saved)} completions lack it)'
        )
    with _verifier(latex) as verifier, _placed(saved):
        scored = score_answers(
            [one.text for one in saved],
            [str(truth) for truth in truths],
            preset,
            style=style,
            verify=verifier.verify if verifier else None,
            columns=_columns(saved, _OURS) | {"prompts": _prompts(saved, "")},
        )
    return Bench(
        env=ANSWER_TASK,
        preset=preset.name,
        weights=dict(preset.weights),
        contract=style,
        seeds=None,
        block=None,
        rows=_rows(saved, scored, preset.weights),
    )


@contextmanager
def _placed(saved: Sequence[Saved]) -> Iterator[None]:
    """Says of a reward function's fault where its completion stands."""
    try:
        yield
    except RewardFault as fault:
        if fault.index is None:
            raise
        raise RunError(f"{saved[fault.index].place}: {fault}") from fault


def _is_answer(truth: object) -> bool:
    return isinstance(truth, int | float) or (isinstance(truth, str) and bool(truth.strip()))


def _verifier(wanted: bool) -> Any:
    if not wanted:
        return nullcontext()
    from envrl.envs.math.latex import Verifier

    return Verifier()


def _rows(saved: Sequence[Saved], scored: Sequence[Scored], weights: Any) -> tuple[BenchRow, ...]:
    return tuple(
        BenchRow(
            one.place,
            *why(done.card),
            done.rewards,
            {name: None if value is None else weights[name] * value for name, value in done.rewards.items()},
            done.total,
            one.text,
        )
        for one, done in zip(saved, scored, strict=True)
    )


def why(card: Scorecard) -> tuple[str, str]:
    """How a completion came out, and why, in a line; safe to show."""
    if card.outcome is not None:
        return str(card.outcome), one_line(card.detail)
    counts = Counter(str(episode.outcome) for episode in card.episodes)
    outcome = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    if len(card.episodes) == 1:
        outcome = next(iter(counts), "")
    details = dict.fromkeys(episode.detail for episode in card.episodes if episode.detail)
    return outcome, one_line("; ".join(details))


def parse_weights(texts: Sequence[str]) -> dict[str, float]:
    """Weights as a user writes them, ``success=3`` each.

    Raises:
        ConfigError: not of that form.
    """
    weights = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            weights[name] = float(value)
        except ValueError:
            raise ConfigError(f"--weight {text!r}: write COMPONENT=NUMBER, such as success=3") from None
    return weights
