"""Checks of an environment as a task: its prompt, its games side by side, what it pays, who wins it."""

from __future__ import annotations

import ast
import copy
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from math import inf
from typing import Any

import gymnasium
from msgspec import structs

from envrl.audit import BENIGN, audit
from envrl.envs import Ending, InvalidAction, Task
from envrl.envs.generic.spaces import plain
from envrl.evaluation.statistics import wilson
from envrl.outcomes import Outcome
from envrl.rewards import find_preset
from envrl.rollouts import Assignment, LocalPlayers, Scorecard
from envrl.seeding import private_seed
from envrl.workflow.check_subject import SEEDS, STEPS, Check, Found, Objection, Subject, Verdict, differ

__all__ = ["TASK_CHECKS"]

_CONSTANTS = 8
_EPISODES = 100  # of random play; constants play a fifth of them
_BATCH = 20
_PATIENCE = 10.0  # seconds after which a baseline plays no further batch
_LONG_PROMPT = 12_000  # characters: some thousand tokens, before a model has written any
_FEW = ("values", "tampering")  # what a task of its own may be weak to; the rest is the sandbox's affair
_FEW_BENIGN = 8
_CALL_CPU = 0.05


def _task(subject: Subject) -> Found:
    subject.task = subject.find()
    try:
        _example(subject.task)
    except InvalidAction as error:
        return Verdict.WARNING, f"action= refuses the example action: {error}", "register it with example_action="
    return Verdict.OK, f"won when {subject.task.success}", ""


def _prompt(subject: Subject) -> Found:
    text = subject.known().prompt("chat")
    if subject.by_space() and text.splitlines()[1:2] == [""]:  # where its docstring would begin
        return Verdict.WARNING, "it says nothing of the game", "give the class a docstring, or register it with about="
    seen = f"{len(text)} characters, {len(subject.known().prompt('tiny'))} for the tiny model"
    if len(text) > _LONG_PROMPT:
        return Verdict.WARNING, seen, "say less in the docstring, or register it with about="
    return Verdict.OK, seen, ""


def _lockstep(games_of: Task, seeds: Sequence[int], order: Sequence[int], actions: Sequence[Any]) -> dict[int, Any]:
    """Plays games side by side, asked in some order: by seed, all that was observed, and the ending."""
    games = games_of.games([seeds[i] for i in order])
    told: dict[int, list[Any]] = {i: [] for i in order}
    live = list(range(len(order)))
    for action in actions:
        observed = games.observe(live)
        for which, observation in zip(live, observed, strict=True):
            told[order[which]].append(observation)
        live = [which for which, seen in zip(live, observed, strict=True) if not isinstance(seen, Ending)]
        endings = games.act(live, [action] * len(live)) if live else []
        for which, ending in zip(live, endings, strict=True):
            told[order[which]].append(ending)
        live = [which for which, ending in zip(live, endings, strict=True) if ending is None]
    for which in live:
        games.standing(which)  # closes it
    return told


def _batch(subject: Subject) -> Found:
    task = subject.known()
    actions = subject.actions if subject.by_space() else [_example(task)] * STEPS
    seeds, order = subject.seeds(5), range(5)
    alone = {i: _lockstep(task, seeds, [i], actions)[i] for i in order}
    for how, places in (("beside others", order), ("beside others, in another order", [*reversed(order)])):
        together = _lockstep(task, seeds, places, actions)
        for i in order:
            part = differ(alone[i], together[i])
            if part is not None:
                raise Objection(
                    f"game {i} plays otherwise {how} than alone: they part at step {part // 2}",
                    "keep all state in the instance, made in reset: none in the class, the module or a file",
                )
    return Verdict.OK, "five games play side by side as each does alone", ""


def _example(task: Task) -> Any:
    return task.action(ast.literal_eval(task.example_action))


_Draw = Callable[[int], Callable[[], Any]]


def _rate(subject: Subject, draw: _Draw, episodes: int, patience: float = _PATIENCE) -> tuple[int, int]:
    """A player without eyes, straight on the task's games; ``draw(seed)()`` is its next action.

    Returns:
        Games won, and games that came to their end before ``patience`` seconds were over.
    """
    stop, won, played = time.monotonic() + patience, 0, 0
    seeds = subject.seeds(episodes)
    for start in range(0, episodes, _BATCH):
        part = seeds[start : start + _BATCH]
        games, draws = subject.known().games(part), [draw(seed) for seed in part]
        live = list(range(len(part)))
        while live and time.monotonic() < stop:
            observed = games.observe(live)
            asked = [which for which, seen in zip(live, observed, strict=True) if not isinstance(seen, Ending)]
            acted = games.act(asked, [draws[which]() for which in asked]) if asked else []
            live = [which for which, ending in zip(asked, acted, strict=True) if ending is None]
            for ending in (*observed, *acted):
                if isinstance(ending, Ending):
                    if ending.outcome is Outcome.INFRASTRUCTURE_ERROR:
                        raise Objection(ending.detail, "let it not raise")
                    won, played = won + (ending.outcome is Outcome.SUCCESS), played + 1
        for which in live:
            games.standing(which)  # closes it
    return won, played


def _judged(who: str, won: int, played: int) -> Found:
    if not played:
        return Verdict.WARNING, f"{who}no game came to its end in time", "register it with max_episode_steps="
    low, rate, high = wilson(won, played)
    seen = f"{who}wins {rate:.0%} of {played} games (95 % interval {low:.0%} to {high:.0%})"
    return (Verdict.WARNING, seen, _TOO_EASY) if 2 * won > played else (Verdict.OK, seen, "")


_TOO_EASY = "ask more of success, or make the game harder: there is little left to learn"


def _random(subject: Subject) -> Found:
    if not subject.by_space():
        return Verdict.NOT_RUN, "the task has actions of its own", ""

    def draw(seed: int) -> Callable[[], Any]:
        space = copy.deepcopy(subject.action_space)
        space.seed(private_seed(seed, "random play") % 2**32)
        sample: Callable[[], Any] = space.sample
        return sample

    return _judged("", *_rate(subject, draw, _EPISODES))


def _constants(subject: Subject) -> dict[str, Any]:
    """Some actions, as the games take them, by what they are called."""
    task, space = subject.known(), subject.action_space
    if not subject.by_space():
        return {task.example_action: _example(task)}
    if isinstance(space, gymnasium.spaces.Discrete) and space.n <= 2 * _CONSTANTS:
        return {str(space.start + i): space.dtype.type(space.start + i) for i in range(int(space.n))}
    return {" ".join(str(action).split()): action for action in subject.actions[:_CONSTANTS]}


def _always(action: Any) -> _Draw:
    return lambda seed: lambda: action


def _constant(subject: Subject) -> Found:
    constants = _constants(subject)
    patience = _PATIENCE / len(constants)
    rates = {name: _rate(subject, _always(a), _EPISODES // 5, patience) for name, a in constants.items()}
    best = max(rates, key=lambda name: rates[name][0] / max(rates[name][1], 1))
    return _judged(f"the best of {len(rates)}, always {best}, ", *rates[best])


_HONEST = """\
def {entry}(*args):
    return {action}
"""
_FAILING = """\
calls = 0


def {entry}(*args):
    global calls
    calls += 1
    if calls > {after}:
        {fault}
    return {action}
"""
_FAULTS = {
    Outcome.INVALID_ACTION: "return {bad}",
    Outcome.EXCEPTION: "raise ValueError",
    Outcome.TIMEOUT: "while True: pass",
    Outcome.VIOLATION: "import os",
}


def _order(subject: Subject) -> Found:
    task = subject.known()
    seeds = tuple(subject.seeds(len(SEEDS)))
    # An endless loop is one in any budget, and a constant needs none.
    players = LocalPlayers(task, structs.replace(task.limits, call_cpu=_CALL_CPU))

    def play(sources: Iterable[str]) -> list[Scorecard]:
        return players.play([Assignment(source, SEEDS, seeds) for source in sources])

    try:
        actions = _returned(subject)
        honest = play(_HONEST.format(entry=task.entry_point, action=action) for action in actions)
        # One that is played to its end, if there is any: a placement in Sudoku, always the same, is refused.
        loser, action = min(zip(honest, actions, strict=True), key=lambda of: (_worst(of[0]) in _FAULTS, _total(of[0])))
        fill = {"entry": task.entry_point, "action": action}
        faults = [
            _FAILING.format(**fill, after=after, fault=fault.format(bad=_no_action(task)))
            for fault in _FAULTS.values()
            for after in (0, 2)
        ]
        faulted = play(faults)
    finally:
        players.close()
    paid: dict[Outcome, float] = {}
    for card in faulted:
        if (outcome := _worst(card)) in _FAULTS and outcome is not _worst(loser):
            paid[outcome] = max(_total(card), paid.get(outcome, -inf))
    least = _total(loser)
    seen = f"always {action} earns {least:.2f}; " + ", ".join(f"{word} {total:.2f}" for word, total in paid.items())
    if wrong := [word for word, total in paid.items() if total >= least]:
        raise Objection(
            f"{' and '.join(wrong)} pays as much as honest play: {seen}",
            "let progress (progress=) pay nothing that an episode broken off keeps",
        )
    return Verdict.OK, f"{seen} (preset envrl)", ""


def _worst(card: Scorecard) -> Outcome:
    if card.outcome is not None:
        return card.outcome
    outcomes = [episode.outcome for episode in card.episodes]
    return next((outcome for outcome in _FAULTS if outcome in outcomes), outcomes[0])


def _total(card: Scorecard) -> float:
    preset = find_preset("envrl")
    total = preset.total(preset.rewards(card))
    if total is None:
        detail = next((e.detail for e in card.episodes if e.outcome is Outcome.INFRASTRUCTURE_ERROR), card.detail)
        raise Objection(detail, "let it not raise")
    return total


def _returned(subject: Subject) -> list[str]:
    """Sources of what a strategy may return: the example, and constants that the task takes in their plain form."""
    task = subject.known()
    sources = {task.example_action: None}
    if subject.by_space():
        for action in _constants(subject).values():
            try:
                source = repr(plain(subject.action_space, action))
            except (TypeError, ValueError):  # of a space without plain form
                continue
            with suppress(InvalidAction):
                task.action(ast.literal_eval(source))
                sources[source] = None
    return list(sources)


def _no_action(task: Task) -> str:
    """Source of a value that is no action; each of them must be refused or taken, whatever the task expects."""
    refused = []
    values: tuple[Any, ...] = (None, "no action", [], -(10**9))
    for value in values:
        try:
            task.action(value)
        except InvalidAction:
            refused.append(value)
    if not refused:
        raise Objection("None, 'no action', [] and -1000000000 all pass as actions", "let action= raise InvalidAction")
    return repr(refused[0])


def _hostile(subject: Subject) -> Found:
    task = subject.known()
    found = audit(task) if subject.full else audit(task, classes=_FEW, seeds=1, benign=BENIGN[:_FEW_BENIGN])
    bad = {f"{f.kind}/{f.name}": None for f in (*found.gained, *found.touched, *found.unjudged, *found.false_alarms)}
    if not found.clean:
        names = ", ".join([*bad, *found.unattributed])
        raise Objection(f"not as it should be: {names}", f"see more with envrl audit --env {task.short}")
    more = "" if subject.full else "; all of them: --full"
    return Verdict.OK, f"{len(found.findings)} programs: none gained, none touched anything{more}", ""


TASK_CHECKS = (
    Check("task", _task, first=True),
    Check("prompt", _prompt),
    Check("batch independence", _batch),
    Check("random play", _random),
    Check("constant actions", _constant),
    Check("order of rewards", _order),
    Check("hostile programs", _hostile),
)
