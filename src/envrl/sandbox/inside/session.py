"""One program and its games, whatever process they are in: load, open, call, close.

The worker drives a session from its socket; the differential tests drive the same class in their own process, which
is the reference that the law of the solo run is held against.
"""

from __future__ import annotations

import ast
import builtins as python
import hashlib
import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, NoReturn, Protocol

from .facades import Doom, world
from .plain import NotPlain, check_plain
from .policy import GUARD, Policy, Violation

__all__ = ["Clock", "Fault", "Lent", "Session"]

_FILENAME = "<strategy>"
_DETAIL = 300
_LOAD_DEPTH = 3000  # of the walks over a program's syntax tree: a long sum is a deep one
_HEAP_TYPE = 1 << 9
_NO_MEMORY = (MemoryError, SystemError)  # the second is how CPython 3.11's deque says it
# Read past whatever a class of the program's says of itself.
_MOST_CONTEXTS = 100_000  # errors behind an error that are looked through

_flags = type.__dict__["__flags__"].__get__
_traceback = BaseException.__dict__["__traceback__"].__get__
_RESERVE = 2**18  # large enough to be a mapping of its own, which goes back to the kernel when it is freed


class Fault(Exception):
    """How a program or one of its games failed.

    Attributes:
        outcome: a value of `envrl.outcomes.Outcome`.
        detail: what happened, in a short line.
    """

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(outcome, detail)
        # A program's own words may hold lone surrogates, which no frame can carry.
        self.outcome, self.detail = outcome, detail[:_DETAIL].encode("utf-8", "replace").decode()


class Clock(Protocol):
    """Measures and bounds the CPU time of a call; see `inside.budget.Stopwatch`."""

    def start(self, budget: float) -> None: ...

    def stop(self) -> float: ...


class Lent:
    """What a profile lends to every program: modules, toolkit, and the decoder of observations.

    Args:
        imports: names of modules.
        tables: source run once; what it defines is shared by all workers, copy on write, and seen by the toolkit alone.
        toolkit: source of the helper functions, run anew for each game; names that begin with "_" are not lent.
        adapter: source that defines ``arguments(payload: bytes) -> tuple``, which turns an observation as the host
            sends it into the arguments of the entry point.
    """

    def __init__(self, imports: tuple[str, ...], tables: str, toolkit: str, adapter: str) -> None:
        self.imports = imports
        self._tables: dict[str, Any] = {"__name__": "toolkit"}
        exec(compile(tables, "<tables>", "exec"), self._tables)
        self._toolkit = compile(toolkit, "<toolkit>", "exec")
        space: dict[str, Any] = {"__name__": "adapter"}
        exec(compile(adapter, "<adapter>", "exec"), space)
        self.arguments: Callable[[bytes], tuple[Any, ...]] = space["arguments"]

    def helpers(self, builtins: dict[str, Any]) -> dict[str, Any]:
        """The toolkit's functions, made anew for one game; they see its builtins, and so its own ``random``."""
        space = {**self._tables, "__builtins__": builtins}
        exec(_own(self._toolkit), space)
        return {name: value for name, value in space.items() if type(value) is FunctionType and name[0] != "_"}


class _Game:
    """One game: a namespace of its own, entered for the first time by its first call."""

    __slots__ = ("entry", "seed", "used")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.used = 0.0
        self.entry: Callable[..., Any] | None = None


class Session:
    """One program and its games.

    Args:
        lent: what the task lends.
        entry_point: name of the function to call.
        limits: the fields of `envrl.limits.Limits` as a dictionary.
        clock: measures calls; it ends one that outstays its budget by calling `expire`.
        language: whether the language policy and its facades are on; without them a program has all of Python, and
            what is printed goes nowhere, uncounted.
    """

    def __init__(
        self, lent: Lent, entry_point: str, limits: dict[str, Any], clock: Clock, language: bool = True
    ) -> None:
        self._lent = lent
        self._entry_point = entry_point
        self._limits = limits
        self._clock = clock
        self._language = language
        self._ceiling = _depth() + limits["recursion"]
        self._code: CodeType | None = None
        self.alone = not language
        """Whether each game has to have a worker of its own: the program might carry something from one to the next."""
        self._games: dict[int, _Game] = {}
        self._doomed: Fault | None = None
        self._reserve: bytes | None = None

    # -- a program's load -----------------------------------------------------------------------------------------

    def load(self, source: bytes) -> str:
        """Parses, checks and compiles the program; gives the hash of its syntax tree (32 hexadecimal digits).

        Raises:
            Fault: with outcome ``syntax_error``, ``no_entry_point``, ``violation``, ``memory`` or ``timeout``.
        """
        sys.setrecursionlimit(self._ceiling + _LOAD_DEPTH)
        digest: str = self._bounded(self._limits["load_cpu"], self._compile, source)[0]
        return digest

    def _compile(self, source: bytes) -> str:
        try:
            tree = _parse(source)
            digest = hashlib.blake2b(ast.dump(tree).encode(), digest_size=16).hexdigest()
            if self._entry_point not in _top_level_names(tree):
                raise Fault("no_entry_point", f"defines no {self._entry_point}")
            if self._language:
                policy = Policy(self._lent.imports)
                tree = policy.apply(tree)
                self.alone = policy.marks
            self._code = compile(tree, _FILENAME, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise Fault("syntax_error", f"line {error.lineno}: {error.msg}") from None
        except (ValueError, UnicodeError) as error:
            raise Fault("syntax_error", f"not a Python source text: {error}") from None
        except RecursionError:
            raise Fault("syntax_error", "nested too deeply to compile") from None
        except Violation as error:
            raise Fault("violation", str(error)) from None
        return digest

    # -- its games ------------------------------------------------------------------------------------------------

    def open(self, slot: int, seed: int) -> None:
        """Makes a slot a new game whose ``random`` is seeded with ``seed``; the program runs at its first call."""
        self._reserve = self._reserve or bytes(_RESERVE)
        self._games[slot] = _Game(seed)

    def close(self, slot: int) -> None:
        """Forgets a game, and how the last one ended; a slot that holds none is left as it is."""
        self._doomed = None  # through its traceback it holds the game
        self._games.pop(slot, None)

    def call(self, slot: int, payload: bytes) -> tuple[Any, float]:
        """Calls the entry point of a game with one observation.

        Returns:
            The value, plain data, and the seconds of CPU that the call used.

        Raises:
            Fault: how the game ended.
        """
        game = self._games[slot]
        sys.setrecursionlimit(self._ceiling)
        budget = min(self._limits["call_cpu"], self._limits["game_cpu"] - game.used)
        if game.entry is None:
            value, used = self._bounded(budget, self._first_call, game, payload)
        else:
            value, used = self._bounded(budget, self._later_call, game.entry, payload)
        game.used += used
        try:
            check_plain(value, self._limits["value"])
        except NotPlain as error:
            raise Fault("invalid_action", str(error)) from None
        return value, used

    def _first_call(self, game: _Game, payload: bytes) -> Any:
        assert self._code is not None
        builtins = {**vars(python), "print": _swallow}
        if self._language:
            builtins = world(self._lent.imports, game.seed, self._limits["output"], (GUARD, self._guard), self._doom)
        space = {"__builtins__": builtins, "__name__": "strategy", **self._lent.helpers(builtins)}
        exec(_own(self._code), space)
        entry: Callable[..., Any] = space[self._entry_point]
        game.entry = entry
        return self._later_call(entry, payload)

    def _later_call(self, entry: Callable[..., Any], payload: bytes) -> Any:
        return entry(*self._lent.arguments(payload))

    # -- bounds ---------------------------------------------------------------------------------------------------

    def _bounded(self, budget: float, work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
        self._doomed = None
        value, used = None, 0.0
        try:
            try:
                self._clock.start(budget)
                value = work(*arguments)
            finally:
                used = self._clock.stop()
            if used > budget:
                self.expire()
        except Doom:
            pass
        except Fault:
            raise
        except _NO_MEMORY:
            self.exhaust()
        except BaseException as error:
            self._reserve = None  # where the memory is full, even looking at the error would be too much
            if _of_memory(error):
                self.exhaust()
            if self._doomed is None:
                detail = _describe(error)
                self._reserve = bytes(_RESERVE)
                raise Fault("exception", detail) from None
        if self._doomed is not None:
            raise self._doomed
        return value, used

    def expire(self) -> NoReturn:
        """Ends the call in progress: its CPU budget is used up."""
        self._doom("timeout", "used up its CPU budget")

    def exhaust(self) -> None:
        """Notes that the memory limit was met, wherever the program may hide it, and frees enough to say so."""
        self._reserve = None
        self._doomed = self._doomed or Fault("memory", "met its memory limit")

    def lose(self, kind: type[BaseException], error: BaseException | None) -> None:
        """Takes note of an error that nobody can catch, such as one of a finalizer: the memory may have been full."""
        if issubclass(kind, _NO_MEMORY) or _of_memory(error):
            self.exhaust()

    def _doom(self, outcome: str, detail: str) -> NoReturn:
        # The first reason stands: what a program does after its end is only its struggle.
        self._doomed = self._doomed or Fault(outcome, detail)
        raise Doom

    def _guard(self) -> None:
        if self._doomed is not None:
            raise Doom
        error = sys.exception()
        if error is None or (_context(error) is None and not isinstance(error, _NO_MEMORY)):
            return
        self._reserve = None
        if _of_memory(error):
            self.exhaust()
            raise Doom
        self._reserve = bytes(_RESERVE)


_context = BaseException.__dict__["__context__"].__get__  # a class of errors may say something else of its own


def _of_memory(error: BaseException | None) -> bool:
    """Whether the memory was full, whatever error has taken that one's place since."""
    for _ in range(_MOST_CONTEXTS):
        if error is None:
            return False
        if issubclass(type(error), _NO_MEMORY):
            return True
        error = _context(error)
    return True  # nobody honest has so many, and where they lead is not looked for


def _swallow(*values: object, **options: object) -> None:
    """``print`` without the language policy: the real one would meet a descriptor that is closed."""


def _parse(source: bytes) -> ast.Module:
    try:
        return ast.parse(source.decode("utf-8"), _FILENAME)
    except MemoryError:
        raise RecursionError from None  # how CPython's parser says that its stack is full


def _own(code: CodeType) -> CodeType:
    """The same code, for one game alone.

    The interpreter fits code to the namespace that it runs in. Games that take turns would undo that for each other
    with every call, which costs a tenth of their time.
    """
    return code.replace(co_consts=tuple(_own(c) if isinstance(c, CodeType) else c for c in code.co_consts))


def _depth() -> int:
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1  # type: ignore[assignment]
    return depth


def _top_level_names(tree: ast.Module) -> set[str]:
    """The names that a module binds by itself, outside of functions and classes."""
    names: set[str] = set()
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
    return names


def _describe(error: BaseException) -> str:
    """One line on an exception of the program's, without running any of the program's code."""
    kind = type(error)
    line = _line_of(error)
    where = f"line {line}: " if line else ""
    # A class of the program's may answer for any of its attributes; what the interpreter made, it made in C.
    trusted = not _flags(kind) & _HEAP_TYPE
    name = kind.__name__ if type(kind) is type else "an exception of a class with a class of its own"
    return f"{where}{name}" + (f": {BaseException.__str__(error)}" if trusted and _plain_args(error) else "")


def _plain_args(error: BaseException) -> bool:
    # An integer of many digits would refuse to become text.
    return all(
        type(arg) in (str, float, bool, type(None)) or (type(arg) is int and arg.bit_length() < _DETAIL)
        for arg in error.args
    )


def _line_of(error: BaseException) -> int | None:
    line, step = None, _traceback(error)
    while step is not None:
        if step.tb_frame.f_code.co_filename == _FILENAME:
            line = step.tb_lineno
        step = step.tb_next
    return line
