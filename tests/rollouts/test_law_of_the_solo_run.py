"""The law of the solo run: an episode's result is what its strategy gets when it plays that seed alone.

The same episodes in this very process, solo, batched, and killed and played again agree bit for bit.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from envrl.envs import InvalidAction, Task
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.rollouts import Arena, Assignment, Episode, Player, Scorecard, profile_of
from envrl.sandbox import Program, Reply, Sandbox
from envrl.sandbox.inside.session import Fault, Lent, Session
from envrl.sandbox.inside.worker import _sent
from envrl.seeding import episode_seeds, private_seed

Result = tuple[Any, ...]

# -- the reference: no process, no message, no batch ---------------------------------------------------------------


class _NoClock:
    def start(self, budget: float) -> None: ...

    def stop(self) -> float:
        return 0.0


class Reference:
    """Plays one game after another in this process, with nothing but the session itself."""

    def __init__(self, task: Task, limits: Limits) -> None:
        profile = profile_of(task)
        self._task = task
        self._entry_point = profile.entry_point
        self._limits = msgspec.structs.asdict(limits)
        self._lent = Lent(profile.imports, profile.tables, profile.toolkit, profile.adapter)

    def play(self, source: str, seed: int) -> Result:
        result: list[Result] = []
        ceiling = sys.getrecursionlimit()
        # A thread of its own has a stack of its own: as shallow as a worker's, whatever runs the tests.
        thread = threading.Thread(target=lambda: result.append(self._play(source, seed)))
        thread.start()
        thread.join()
        sys.setrecursionlimit(ceiling)
        return result[0]

    def _play(self, source: str, seed: int) -> Result:
        # The same frames stand below a strategy as in a worker: prepare makes the session, serve calls it.
        session = self._prepare()
        return self._serve(session, source, seed)

    def _prepare(self) -> Session:
        return Session(self._lent, self._entry_point, self._limits, _NoClock())

    def _serve(self, session: Session, source: str, seed: int) -> Result:
        games = self._task.games([seed])
        try:
            session.load(source.encode())
        except Fault as fault:
            return (Outcome(fault.outcome), fault.detail)
        session.open(0, private_seed(seed, "strategy"))
        for call in itertools.count():
            try:
                value = session.call(0, games.observe([0])[0])[0]
                # No frame can carry a lone surrogate: a worker sends a question mark for it.
                action = self._task.action("?" if _sent(value) == "?" else value)
            except (Fault, InvalidAction) as error:
                fault = error if isinstance(error, Fault) else Fault("invalid_action", str(error))
                standing = games.standing(0)
                return self._result(Outcome(fault.outcome), standing, fault.detail, call)
            (ending,) = games.act([0], [action])
            if ending is not None:
                return self._result(ending.outcome, ending, "", None)
        raise AssertionError

    def _result(self, outcome: Outcome, standing: Any, detail: str, call: int | None) -> Result:
        return (outcome, standing.steps, standing.score, standing.progress, standing.metrics, detail, call)


def of_episode(episode: Episode) -> Result:
    """All that the law covers: everything but CPU time."""
    return (
        episode.outcome,
        episode.steps,
        episode.score,
        episode.progress,
        episode.metrics,
        episode.detail,
        episode.call,
    )


def of_card(card: Scorecard) -> list[Result]:
    if card.outcome is not None:
        return [(card.outcome, card.detail)]
    return [of_episode(episode) for episode in card.episodes]


# -- programs ------------------------------------------------------------------------------------------------------

HEURISTICS = ("empties", "merges", "mono", "smooth", "corner", "edge", "maxtile")

PRELUDE = """
import random, copy, heapq, functools, itertools, math
from collections import Counter, deque, defaultdict, namedtuple
from dataclasses import dataclass, field
calls = 0
seen = Counter()
history = []
class Memo:
    best = 0
    table = {}
@dataclass
class Note:
    move: str = "W"
    marks: list = field(default_factory=list)
note = Note()
def cycle():
    while True:
        yield from "WDSA"
turns = cycle()
@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def depth(n):
    try:
        return depth(n + 1)
    except RecursionError:
        return n
"""

# Each statement may set ``m`` to a move and read ``board``, ``moves``, ``calls``.
STATEMENTS = [
    "m = random.choice(moves)",
    "m = choice(moves)",
    "m = moves[calls % len(moves)]",
    "m = next(turns)",
    "m = random.Random(calls).choice(moves)",
    "m = random.Random().choice(moves)",
    "random.seed(calls // 3); m = random.choice(moves)",
    "random.shuffle(moves); m = moves[0]",
    "m = max(moves, key=lambda x: (score_of(board, x), random.random()))",
    "seen[str(board)] += 1; seen[m] += 1; m = seen.most_common(1)[0][0] if len(seen.most_common(1)[0][0]) == 1 else m",
    "Counter.total_calls = getattr(Counter, 'total_calls', 0) + 1; m = moves[Counter.total_calls % len(moves)]",
    "Memo.best = max(Memo.best, maxtile(board)); m = moves[Memo.best % len(moves)]",
    "Memo.table[str(board)] = len(Memo.table); m = 'WDSA'[len(Memo.table) % 4]",
    "legal.uses = getattr(legal, 'uses', 0) + 1; m = moves[legal.uses % len(moves)]",
    "random.Random.shared = getattr(random.Random, 'shared', 0) + 1; m = moves[random.Random.shared % len(moves)]",
    "copy.deepcopy.uses = getattr(copy.deepcopy, 'uses', 0) + 1; m = moves[copy.deepcopy.uses % len(moves)]",
    "note.marks.append(m); note.move = note.marks[len(note.marks) // 2]; m = note.move",
    "history.append(copy.deepcopy(board)); m = moves[sum(map(sum, history[0])) % len(moves)]",
    "board[0][0] = 2048; board.append([1]); m = moves[-1]",
    "slide(board, m)[0][0] = 7; legal(board).clear(); m = legal(board)[0]",
    # In one of 10,000 descents the beat of the budget falls just short of the limit, and the last step is refused.
    "m = moves[depth(0) // 8 % len(moves)]",
    "m = moves[fib(12 + calls % 5) % len(moves)]",
    "m = heapq.nlargest(1, moves, key=lambda x: (empties(slide(board, x)), x))[0]",
    "m = sorted({'W', 'A', 'S', 'D'} & set(moves))[0]",
    "print(board, m)",
    "kept = bytearray(20 * 2**20); Memo.kept = kept",
    "Memo.more = [0] * 2**17",
    "m = min(itertools.permutations(moves))[0]",
    "m = moves[int(math.fsum(x * 0.1 for row in board for x in row) * 1e9) % len(moves)]",
]
# The hashes of strings are fixed in workers; this process has others.
HASHES = [
    "m = moves[hash(str(board)) % len(moves)]",
    "m = next(iter({'W', 'A', 'S', 'D'} & set(moves)))",
    "m = min(set(moves), key=hash)",
]
# What a program does at some call, and never comes back from.
FAULTS = [
    "raise ValueError('at', calls, random.random())",
    "raise KeyError(m)",
    "raise RecursionError",
    "1 / (calls - calls)",
    "return None",
    "return 7",
    "return 'north'",
    "return [m]",
    "return m.encode()",
    "return '\\ud800'",
    "return 'W' * 100_000",
    "return 2 ** 70",
    "def endless(): return endless()\n        endless()",
    "print('x' * 5000)",
    "getattr(board, '__class__')",
    "random.x = 1",
    "return bytearray(2**50)",
    "\n        try: bytearray(2**50)\n        except MemoryError: return 'W'",
    "\n        try: raise OSError\n        except Exception: pass",
    "legal([])",
    "slide(board, 'Q')",
    "raise ValueError('\\ud800')",
    "raise ValueError(10**5000)",
]


@st.composite
def scored(draw: st.DrawFn) -> str:
    """A program of the task's own grammar, in its shape."""
    names = draw(st.lists(st.sampled_from(HEURISTICS), min_size=1, max_size=3, unique=True))
    score = " + ".join(f"{draw(st.integers(-9, 9))} * {name}(b)" for name in names)
    return (
        "def strategy(board):\n    def value(m):\n        b = slide(board, m)\n"
        f"        return {score}\n    return max(legal(board), key=value)\n"
    )


@st.composite
def stateful(draw: st.DrawFn, hashes: bool = True) -> str:
    """Statements one after another on state that outlives a call, and maybe a fault at some call."""
    body = draw(st.lists(st.sampled_from(STATEMENTS + HASHES * hashes), min_size=1, max_size=4))
    lines = [
        PRELUDE,
        "def strategy(board):",
        "    global calls",
        "    calls += 1",
        "    moves = legal(board)",
        "    m = moves[0]",
    ]
    if draw(st.booleans()):
        at = draw(st.integers(1, 12))
        when = draw(
            st.sampled_from([f"calls == {at}", f"calls >= {at} and random.random() < 0.3", "maxtile(board) == 16"])
        )
        lines += [f"    if {when}:", f"        {draw(st.sampled_from(FAULTS))}"]
    lines += [f"    {statement}" for statement in body]
    return "\n".join([*lines, "    return m", ""])


@st.composite
def broken(draw: st.DrawFn) -> str:
    """Programs that no game begins with."""
    return draw(
        st.sampled_from(
            [
                "def strategy(board) return 'W'",
                "def play(board): return 'W'",
                "import os\ndef strategy(board): return 'W'",
                "def strategy(board): return 'W'\n1 / 0",
                "def strategy(board): return " + "-" * 20_000 + "1",
                "def strategy(board):\n\0",
            ]
        )
    )


PROGRAMS = st.one_of(scored(), stateful(), stateful(), stateful(), broken())
PROGRAMS_WITHOUT_HASHES = st.one_of(scored(), stateful(hashes=False), stateful(hashes=False), broken())
SEEDS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4, unique=True)


# -- players -------------------------------------------------------------------------------------------------------


class Killing(Sandbox):
    """A sandbox that kills one worker: the one that has just been heard of after some replies.

    Attributes:
        spared: so many times are replies collected before; None to kill no more.
        killed: workers killed so far.
    """

    spared: int | None = None
    killed = 0

    def load(self, source: bytes, limits: Limits, games: int = 1) -> Program:
        program = super().load(source, limits, games)
        program.games = games  # type: ignore[attr-defined]
        return program

    def collect(self, timeout: float | None = None) -> list[tuple[Program, Reply]]:
        replies = super().collect(timeout)
        # One that plays a single game is not played again: its death is its own.
        shared = [program for program, _ in replies if program._pidfd is not None and program.games > 1]  # type: ignore[attr-defined]
        if self.spared is not None and shared:
            if self.spared == 0:
                signal.pidfd_send_signal(shared[-1]._pidfd, signal.SIGKILL)  # type: ignore[arg-type]
                self.killed += 1
            self.spared = self.spared - 1 if self.spared else None
        return replies


@pytest.fixture(scope="session")
def reference(task: Task, limits: Limits) -> Reference:
    return Reference(task, limits)


@pytest.fixture(scope="session")
def killing(task: Task) -> Iterator[Killing]:
    with Killing(profile_of(task)) as sandbox:
        yield sandbox


def assignments(sources: Sequence[str], seeds: Sequence[int]) -> list[Assignment]:
    return [Assignment(source, tuple(range(len(seeds))), tuple(seeds)) for source in sources]


def solo(player: Player, source: str, seeds: Sequence[int]) -> list[Result]:
    """One game a worker."""
    results = [of_card(player.play([Assignment(source, (i,), (seed,))])[0]) for i, seed in enumerate(seeds)]
    if all(len(result[0]) == 2 for result in results):
        return results[0]  # refused: the same card whatever the seeds
    return [result for (result,) in results]


LAW = settings(
    max_examples=int(os.environ.get("ENVRL_LAW_EXAMPLES", "12")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@LAW
@given(source=PROGRAMS_WITHOUT_HASHES, seed=st.integers(0, 2**63 - 1))
def test_a_worker_gives_what_this_process_gives(player: Player, reference: Reference, source: str, seed: int) -> None:
    assert solo(player, source, [seed]) == [reference.play(source, seed)]


@LAW
@given(sources=st.lists(PROGRAMS, min_size=1, max_size=4), seeds=SEEDS)
def test_a_batch_gives_what_each_game_gives_alone(player: Player, sources: list[str], seeds: list[int]) -> None:
    alone = [solo(player, source, seeds) for source in sources]
    # Hard failures let later games be skipped: part of the card, not of an episode.
    batch = [of_card(card) for card in player.play(assignments(sources, seeds))]
    assert batch == [_skipping(results) for results in alone]


def _skipping(results: list[Result], hard_failures: int = 2) -> list[Result]:
    skipped = (Outcome.SKIPPED, 0, 0.0, 0.0, {}, "", None)
    kept: list[Result] = []
    for result in results:
        lost = sum(r[0] in (Outcome.TIMEOUT, Outcome.MEMORY, Outcome.CRASH) for r in kept) >= hard_failures
        kept.append(skipped if lost else result)
    return kept


@LAW
@given(
    sources=st.lists(PROGRAMS, min_size=2, max_size=4),
    seeds=st.lists(st.integers(0, 2**63 - 1), min_size=2, max_size=4, unique=True),
    spared=st.integers(0, 6),
)
@example(sources=["def strategy(board):\n    return choice(legal(board))\n"] * 2, seeds=[1, 2, 3], spared=3)
def test_games_of_a_killed_worker_are_played_again_and_come_out_the_same(
    player: Player,
    killing: Killing,
    task: Task,
    limits: Limits,
    sources: list[str],
    seeds: list[int],
    spared: int,
) -> None:
    calm = [of_card(card) for card in player.play(assignments(sources, seeds))]
    killing.spared = spared
    hurt = [of_card(card) for card in Player(task, killing, limits).play(assignments(sources, seeds))]
    assert hurt == calm


def test_workers_were_killed(killing: Killing, task: Task, limits: Limits, player: Player) -> None:
    before = killing.killed
    killing.spared = 4
    played = assignments(["def strategy(board):\n    return choice(legal(board))\n"], range(8))
    cards = Player(task, killing, limits).play(played)
    assert killing.killed == before + 1
    assert [of_card(card) for card in cards] == [of_card(card) for card in player.play(played)]


def test_a_worker_killed_between_its_reply_and_the_next_question_is_played_again(
    task: Task, limits: Limits, player: Player
) -> None:
    class Slow(Sandbox):
        """Kills a worker that has just replied, and goes on listening until its end has been heard of."""

        left = 1

        def collect(self, timeout: float | None = None) -> list[tuple[Program, Reply]]:
            replies = super().collect(timeout)
            if replies and type(replies[0][1]).__name__ == "Played" and self.left:
                self.left -= 1
                program = replies[0][0]
                assert program._pidfd is not None
                signal.pidfd_send_signal(program._pidfd, signal.SIGKILL)
                while program.open:
                    self._epoll.poll()
                    replies += super()._hear() + (super()._receive(program) if program.open else [])
            return replies

    played = assignments(["def strategy(board):\n    return choice(legal(board))\n"], range(4))
    with Slow(profile_of(task)) as sandbox:
        cards = Player(task, sandbox, limits).play(played)
    assert sandbox.left == 0
    assert [of_card(card) for card in cards] == [of_card(card) for card in player.play(played)]


@LAW
@given(sources=st.lists(PROGRAMS, min_size=2, max_size=4), data=st.data())
def test_order_and_repetition_of_assignments_change_nothing(
    player: Player, sources: list[str], data: st.DataObject
) -> None:
    plain = assignments(sources, [5, 6, 7])
    order = data.draw(st.lists(st.integers(0, len(plain) - 1), min_size=1, max_size=6))
    cards = [of_card(card) for card in player.play(plain)]
    assert [of_card(card) for card in player.play([plain[i] for i in order])] == [cards[i] for i in order]


@LAW
@given(source=stateful(), seeds=SEEDS, data=st.data())
def test_a_seed_gives_the_same_wherever_it_stands_among_seeds(
    player: Player, source: str, seeds: list[int], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(seeds))
    generous = Player(player._task, player._sandbox, msgspec.structs.replace(player._limits, hard_failures=99))
    (one,), (other,) = generous.play(assignments([source], seeds)), generous.play(assignments([source], shuffled))
    assert dict(zip(seeds, of_card(one), strict=True)) == dict(zip(shuffled, of_card(other), strict=True))


HOG = """
import random
kept = []
def strategy(board):
    kept.append(bytearray({size}))
    if random.random() < 0.5:
        return "W" if len(kept) % 2 else choice(legal(board))
    return choice(legal(board))
"""


@pytest.mark.parametrize("size", [2**17, 2**18, 2**19])
def test_memory_that_only_neighbours_make_scarce_is_no_fault(player: Player, reference: Reference, size: int) -> None:
    # One game takes up to 20 MiB of 48; eight of them do not fit.
    source, seeds = HOG.format(size=size), list(range(8))
    (card,) = player.play(assignments([source], seeds))
    assert of_card(card) == [reference.play(source, seed) for seed in seeds]


ENDLESS_AT = """
import random
calls = 0
def strategy(board):
    global calls
    calls += 1
    while calls > 3 and random.random() < 0.2: {what}
    return choice(legal(board))
"""


@pytest.mark.parametrize("what", ["\n        while True: pass", "sum(range(10**12))"])
def test_endless_calls_end_the_same_games_alone_and_in_a_batch(player: Player, what: str) -> None:
    source, seeds = ENDLESS_AT.format(what=what), list(range(5))
    alone = solo(player, source, seeds)
    assert {Outcome.TIMEOUT} < {result[0] for result in alone} | {Outcome.TIMEOUT, Outcome.FAILURE}
    (card,) = player.play(assignments([source], seeds))
    assert [result[:5] for result in of_card(card)] == [result[:5] for result in _skipping(alone)]


def test_the_toolkits_tables_carry_nothing_from_game_to_game(player: Player) -> None:
    source = (
        "import random\nfloats = random.random() < 0.5\ndef strategy(board):\n"
        "    if floats: slide([[3.0, 3.0, 0, 0]] * 4, 'A')\n"
        "    merged = slide([[3, 3, 0, 0]] * 4, 'A')[0][0]\n"
        "    return 'W' if type(merged) is int else legal(board)[0]\n"
    )
    seeds = list(range(8))
    (card,) = player.play(assignments([source], seeds))
    assert of_card(card) == solo(player, source, seeds)


def test_the_number_of_referees_changes_no_card(task: Task, limits: Limits, player: Player) -> None:
    sources = [HOG.format(size=2**18), "def strategy(board):\n    return choice(legal(board))\n", "def f(", "import os"]
    sources += [f"def strategy(board):\n    return legal(board)[{n}]\n" for n in range(4)]
    played = assignments(sources, episode_seeds("salt", "test", range(4)))
    expected = [of_card(card) for card in player.play(played)]
    for workers in (1, 2):
        with Arena(task, workers=workers, limits=limits) as arena:
            assert [of_card(card) for card in arena.play(played)] == expected


def test_examples_of_the_task_come_out_the_same_everywhere(task: Task, player: Player, reference: Reference) -> None:
    assert task.examples is not None
    sources = sorted({example.source for example in task.examples(60, 1) if "while True" not in example.source})
    cards = player.play(assignments(sources, [11, 12]))
    for source, card in zip(sources, cards, strict=True):
        expected = [reference.play(source, seed) for seed in (11, 12)]
        assert of_card(card) == (expected[:1] if len(expected[0]) == 2 else expected)
