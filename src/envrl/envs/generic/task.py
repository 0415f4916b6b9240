"""Any Gymnasium environment as a task: its prompt from spaces and docstring, its success from what it tells."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec

from envrl.envs.generic.games import EnvGames, Scale
from envrl.envs.generic.grammar import GenericGrammar
from envrl.envs.generic.random_play import RandomPlay, random_play
from envrl.envs.generic.spaces import action_of, check_supported, encode, example_of, say, source_of
from envrl.envs.generic.success import EpisodeEnd, Success, parse_success, success_of
from envrl.envs.task import Examples, Lent, Task
from envrl.errors import ConfigError, EnvError
from envrl.limits import Limits

__all__ = ["generic_task"]

_SIGNATURE = "strategy(observation)"
_LONGEST = 10_000  # steps of an episode that nothing else ends
_DOCSTRING = 3000  # characters of it in a prompt

_LIMITS = Limits(load_cpu=1.0, call_cpu=0.25, game_cpu=10.0, grace_cpu=0.25, memory=64 * 2**20, hard_failures=2)

_ADAPTER = """\
from json import loads

restore = {restore}


def arguments(payload):
    return restore(loads(payload))
"""

_CHAT = """\
Write a Python function {signature} that acts in the environment {id}.
{about}
{arguments}
Return the action: {action}.
An episode is won when: {success}. It ends after {horizon} steps at the latest.

{means}

Answer with exactly one fenced block of Python that defines {signature}."""
_PURE = "Use only plain Python and modules of pure computation such as math, random, itertools and collections."


def generic_task(
    env_id: str,
    *,
    short: str | None = None,
    options: Mapping[str, Any] | None = None,
    success: str | Success | None = None,
    progress: Callable[[EpisodeEnd], float] | None = None,
    horizon: int | None = None,
    title: str | None = None,
    about: str | None = None,
    signature: str = _SIGNATURE,
    arguments: Callable[[Any], Sequence[Any]] | None = None,
    action: Callable[[Any], Any] | None = None,
    toolkit: str = "",
    imports: Sequence[str] | None = None,
    prompts: Mapping[str, str] | None = None,
    examples: Examples | None = None,
    example_action: str | None = None,
    limits: Limits | None = None,
    notes: Sequence[str] = (),
    version: int = 0,
) -> Task:
    """A task for an environment of Gymnasium's registry, with whatever is not given read from the environment itself.

    Args:
        env_id: as `gymnasium.make` knows it.
        short: name on the command line.
        options: keyword arguments for `gymnasium.make`.
        success: a rule such as ``"return >= 475"``, or a `Success`; else what ``info["is_success"]`` tells, else the
            spec's ``reward_threshold``.
        progress: partial credit in [0, 1] of an episode that was not won; else its return, from 0 for that of random
            play to 1 for the threshold.
        horizon: steps after which an episode is truncated, if the environment itself does not say sooner.
        title: one line on what it is.
        about: what the prompt says of the environment; else its docstring.
        signature: of the function that a strategy defines.
        arguments: from an observation to that function's arguments, as plain data (JSON's types); else the observation
            alone. Runs in the host.
        action: from a plain return value to an action; raises `InvalidAction` for one that is none. Else the action
            space decides. Runs in the host.
        toolkit: source of helper functions that strategies may call; the prompt shows their docstrings' first lines.
        imports: modules that a strategy may import; else those of pure computation.
        prompts: by output contract, in place of those made here.
        examples: programs for the warm start, in place of the generic grammar's.
        example_action: Python source of a value that a strategy may return.
        limits: budgets of a strategy.
        notes: what a user should know before believing a result, a sentence each.
        version: of the task; enters the seeds of fixed blocks.

    Raises:
        EnvError: the environment cannot be made, or has a space that envrl does not support.
        ConfigError: nothing says what success is, or a value makes no task.
    """
    try:
        spec = gymnasium.spec(env_id)
    except (gymnasium.error.Error, ImportError) as error:
        raise EnvError(f"{env_id} cannot be made: {type(error).__name__}: {error}") from None
    make = partial(_make, spec, dict(options or {}))  # the spec, not the id: a referee may not know a script's own ids
    env = make()
    try:
        observation_space, action_space = env.observation_space, env.action_space
        if arguments is None:
            check_supported(env_id, "observation", observation_space)
        if action is None:
            check_supported(env_id, "action", action_space)
        about = about if about is not None else _docstring(env.unwrapped)
        code = _code(env.unwrapped)
    finally:
        with suppress(Exception):  # it was never reset, and may not be able to close
            env.close()
    entry_point, names = _parse_signature(signature, single=arguments is None)
    horizon = horizon if horizon is not None else spec.max_episode_steps or _LONGEST
    if type(horizon) is not int or horizon < 1:
        raise ConfigError(
            f"{env_id}: the horizon is {horizon!r}: give the number of steps an episode may take, 1 or more"
        )
    played = _random_play(spec, make, dict(options or {}), code, horizon)
    if isinstance(success, str):
        success = parse_success(success)
    success = success or success_of(env_id, spec.reward_threshold, played.tells)
    words = {
        "id": env_id,
        "signature": signature,
        "about": about,
        "arguments": f"{names[0]} is {say(observation_space)}." if arguments is None else "",
        "action": say(action_space) if action is None else "as said above",
        "success": success.words,
        "horizon": horizon,
        "means": _helpers(toolkit),
    }
    made = {
        "chat": _CHAT.format(**words),
        "tiny": f"Write {signature} for {env_id}: {success.words}.",
    }
    restore = (source_of(observation_space) or "lambda v: v") if arguments is None else ""
    return Task(
        id=env_id,
        short=short or env_id,
        version=version,
        title=title or f"{env_id}: {success.words}",
        entry_point=entry_point,
        prompts=made | dict(prompts or {}),
        lent=Lent(
            adapter=_ADAPTER.format(
                restore=f"(lambda f: lambda v: (f(v),))({restore})" if arguments is None else "tuple"
            ),
            toolkit=toolkit,
            imports=None if imports is None else tuple(imports),
        ),
        action=action or partial(action_of, action_space),
        games=partial(
            EnvGames,
            make=make,
            encode=partial(encode, observation_space) if arguments is None else partial(_encode_arguments, arguments),
            success=success,
            progress=progress or Scale(played.mean, success.threshold),
            horizon=horizon,
        ),
        success=f"{success.words}, within {horizon} steps",
        example_action=example_action or (repr(example_of(action_space)) if action is None else "None"),
        limits=limits or _LIMITS,
        examples=examples
        or (
            GenericGrammar(entry_point, names[0], observation_space, action_space, played.observations)
            if arguments is None and action is None
            else None
        ),
        options=dict(options or {}) | {"success": success.words, "horizon": horizon},
        notes=tuple(notes),
    )


def _parse_signature(signature: str, single: bool) -> tuple[str, list[str]]:
    match = re.fullmatch(r"([A-Za-z_]\w*)\(([\w, ]*)\)", signature)
    names = [name.strip() for name in match[2].split(",")] if match else []
    if match is None or not all(name.isidentifier() for name in names) or (single and len(names) != 1):
        wanted = "one argument, as no arguments= is given" if single else "plain argument names"
        raise ConfigError(f"signature {signature!r}: write a function with {wanted}, such as {_SIGNATURE!r}")
    return match[1], names


def _helpers(toolkit: str) -> str:
    """What the prompt says of the toolkit: each function with the first line of its docstring."""
    if not toolkit:
        return _PURE
    try:
        tree = ast.parse(toolkit)
    except SyntaxError as error:
        raise ConfigError(f"the toolkit is no Python: line {error.lineno}: {error.msg}") from None
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"]
    lines = [
        f"- {node.name}({ast.unparse(node.args)}): {(ast.get_docstring(node) or '').partition(chr(10))[0]}"
        for node in functions
    ]
    return "You may call these helpers, which are already defined:\n" + "\n".join(lines) + f"\n\n{_PURE}"


def _encode_arguments(arguments: Callable[[Any], Sequence[Any]], observation: Any) -> bytes:
    return json.dumps(list(arguments(observation))).encode()


def _make(spec: EnvSpec, options: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    try:
        # The checker would stop a strategy for what the environment does; `envrl check` runs it apart.
        return gymnasium.make(spec, disable_env_checker=True, **options)
    except Exception as error:  # a third party's constructor
        raise EnvError(f"{spec.id} cannot be made: {type(error).__name__}: {error}") from None


def _random_play(
    spec: EnvSpec, make: Callable[[], gymnasium.Env[Any, Any]], options: dict[str, Any], code: str, horizon: int
) -> RandomPlay:
    parts = [spec.id, spec.kwargs, sorted(options.items()), gymnasium.__version__, code]
    key = "\0".join(map(str, parts)) if code else None
    try:
        return random_play(make, key, horizon)
    except Exception as error:
        raise EnvError(
            f"{spec.id}: the environment raised {type(error).__name__} in random play: {error}; see 'envrl check'"
        ) from error


def _code(env: gymnasium.Env[Any, Any]) -> str:
    """The source of an environment's module, "" for one that has none, such as a notebook's cell.

    What was measured of an environment is measured again when its source changes.
    """
    try:
        return inspect.getsource(inspect.getmodule(type(env)) or type(env))
    except (OSError, TypeError):
        return ""


def _docstring(env: gymnasium.Env[Any, Any]) -> str:
    """The description in a docstring: up to what it says of rendering, arguments and history, and not without end."""
    if type(env).__doc__ is None:  # inspect would give that of gymnasium.Env
        return ""
    text = inspect.getdoc(type(env)) or ""
    text = re.split(r"\n#+ *(?:Arguments|Version|References|Credits|Rendering|Vectorized)", text)[0]
    text = text.replace("```", "").strip()
    return text if len(text) <= _DOCSTRING else text[:_DOCSTRING].rsplit("\n", 1)[0].rstrip() + "\n…"
