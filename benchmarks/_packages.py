"""The peers that pip installs, as `_peers` runs them. Each is used as its own documentation uses it.

What a constructor starts (pools, loops) is started at the first program, so that a host may fork before.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["LANGUAGES", "PACKAGES"]

IMPORTS = ("abc", "bisect", "collections", "collections.abc", "copy", "dataclasses", "functools", "heapq", "itertools")
IMPORTS += ("math", "operator", "random", "string", "typing")
"""What programs may import, where a peer asks for a list: what envrl lends (`LANGUAGE_IMPORTS`)."""
SECONDS = float(os.environ.get("ENVRL_PEER_SECONDS", "30"))
"""The time limit, where a peer has one to set."""
MEMORY = 256 * 2**20

Act = Callable[[str, str, list[Any]], Any]
Load = Callable[[str, str], Callable[..., Any]]


def call_of(entry: str, arguments: list[Any]) -> str:
    return f"{entry}(*{arguments!r})"


def said(stdout: str, error: str = "") -> Any:
    """The value that a script printed last: a string, number or None."""
    import ast

    lines = stdout.strip().splitlines()
    if not lines:
        raise RuntimeError(error.strip().splitlines()[-1] if error.strip() else "said nothing")
    return ast.literal_eval(lines[-1])


def script(source: str, entry: str, arguments: list[Any]) -> str:
    return f"{source}\nprint(repr({call_of(entry, arguments)}))\n"


def loading(load: Load) -> Act:
    return lambda source, entry, arguments: load(source, entry)(*arguments)


# -- RestrictedPython: its own recipe, with the builtins that a program of pure computation might want -----------------

_MORE_BUILTINS = (
    "all any bytes dict enumerate filter frozenset iter list map max min next reversed set sorted sum tuple zip"
)


@functools.cache
def _restricted() -> dict[str, Any]:
    import builtins
    import importlib
    import operator
    import warnings

    from RestrictedPython import Eval, Guards, safe_builtins
    from RestrictedPython.PrintCollector import PrintCollector

    warnings.simplefilter("ignore")
    changes: dict[str, Callable[[Any, Any], Any]] = {
        "+=": operator.iadd,
        "-=": operator.isub,
        "*=": operator.imul,
        "/=": operator.itruediv,
        "//=": operator.ifloordiv,
        "%=": operator.imod,
        "**=": operator.ipow,
        "|=": operator.ior,
        "&=": operator.iand,
        "^=": operator.ixor,
        "<<=": operator.ilshift,
        ">>=": operator.irshift,
    }

    def __import__(name: str, *rest: Any, **_: Any) -> Any:
        if name not in IMPORTS:
            raise ImportError(f"import of {name!r}")
        return importlib.import_module(name)

    lent = {name: getattr(builtins, name) for name in _MORE_BUILTINS.split()}
    return {
        "__builtins__": {**safe_builtins, **lent, "__import__": __import__},
        "__metaclass__": type,
        "__name__": "strategy",
        "_apply_": lambda call, *arguments, **named: call(*arguments, **named),
        "_getattr_": Guards.safer_getattr,
        "_getitem_": Eval.default_guarded_getitem,
        "_getiter_": Eval.default_guarded_getiter,
        "_inplacevar_": lambda change, old, new: changes[change](old, new),
        "_iter_unpack_sequence_": Guards.guarded_iter_unpack_sequence,
        "_print_": PrintCollector,
        "_unpack_sequence_": Guards.guarded_unpack_sequence,
        "_write_": Guards.full_write_guard,
    }


def restricted_load(source: str, entry: str) -> Callable[..., Any]:
    from RestrictedPython import compile_restricted

    space = dict(_restricted())
    exec(compile_restricted(source, "<strategy>", "exec"), space)
    call: Callable[..., Any] = space[entry]
    return call


def restricted() -> Act:
    _restricted()
    return loading(restricted_load)


# -- interpreters of their own ----------------------------------------------------------------------------------------


def smolagents_load(source: str, entry: str) -> Callable[..., Any]:
    from smolagents.local_python_executor import LocalPythonExecutor

    executor = LocalPythonExecutor(list(IMPORTS), timeout_seconds=int(SECONDS))
    executor.send_tools({})
    executor(source)
    return lambda *arguments: executor(call_of(entry, list(arguments))).output


def smolagents() -> Act:
    import smolagents.local_python_executor  # noqa: F401

    return loading(smolagents_load)


def openenv_load(source: str, entry: str) -> Callable[..., Any]:
    import json

    from openenv.core.tools.local_python_executor import PyExecutor

    executor = PyExecutor(list(IMPORTS))

    def run(code: str) -> str:
        result = executor.run(code)
        if result.exit_code:
            raise RuntimeError(result.stderr.strip().splitlines()[-1])
        output: str = result.stdout
        return output

    run(source)
    return lambda *arguments: json.loads(run(call_of(entry, list(arguments))).splitlines()[-1])


def openenv() -> Act:
    import logging

    import openenv.core.tools.local_python_executor  # noqa: F401

    logging.disable()
    return loading(openenv_load)


@functools.cache
def _monty_pool() -> Any:
    import pydantic_monty

    return pydantic_monty.Monty(binary_path=f"{os.path.dirname(sys.executable)}/monty").__enter__()


def _monty_session() -> Any:
    limits = {"max_feed_duration_secs": SECONDS, "max_memory": MEMORY}
    return _monty_pool().checkout(limits=limits)


def monty_load(source: str, entry: str) -> Callable[..., Any]:
    session = _monty_session()
    run = session.__enter__().feed_run
    run(source)

    def call(*arguments: Any) -> Any:
        return run(f"{entry}(*arguments)", inputs={"arguments": list(arguments)})

    call.session = session  # type: ignore[attr-defined]  # lives as long as the call does
    return call


def monty() -> Act:
    import pydantic_monty  # noqa: F401

    def act(source: str, entry: str, arguments: list[Any]) -> Any:
        with _monty_session() as session:
            code = f"{source}\n{entry}(*arguments)"
            return session.feed_run(code, inputs={"arguments": arguments}, print_callback=lambda stream, text: None)

    return act


# -- subprocesses -----------------------------------------------------------------------------------------------------


def gem() -> Act:
    from gem.utils.sandbox import run_python

    def act(source: str, entry: str, arguments: list[Any]) -> Any:
        _, stdout, error = run_python(script(source, entry, arguments), "none", timeout=int(SECONDS))
        return said(stdout, error)

    return act


def skyrl() -> Act:
    from skyrl_gym.tools import PythonCodeExecutorToolGroup

    tool = PythonCodeExecutorToolGroup(timeout=SECONDS)

    def act(source: str, entry: str, arguments: list[Any]) -> Any:
        output = tool.python(script(source, entry, arguments))
        if output.startswith("Error executing"):
            raise RuntimeError(output.splitlines()[-1])
        return said(output)

    return act


def verifiers() -> Act:
    import asyncio

    from verifiers.v1.runtimes import SubprocessConfig, SubprocessRuntime

    @functools.cache
    def started() -> tuple[asyncio.AbstractEventLoop, Any]:
        loop = asyncio.new_event_loop()
        runtime = SubprocessRuntime(SubprocessConfig())
        loop.run_until_complete(runtime.start())
        return loop, runtime

    def act(source: str, entry: str, arguments: list[Any]) -> Any:
        loop, runtime = started()
        command = [sys.executable, "-c", script(source, entry, arguments)]
        result = loop.run_until_complete(asyncio.wait_for(runtime.run(command, {}), SECONDS))
        return said(result.stdout, result.stderr)

    return act


PACKAGES: dict[str, Callable[[], Act]] = {
    "RestrictedPython": restricted,
    "smolagents LocalPythonExecutor": smolagents,
    "openenv PyExecutor": openenv,
    "pydantic-monty": monty,
    "gem run_python": gem,
    "skyrl-gym python tool": skyrl,
    "verifiers subprocess runtime": verifiers,
}
"""Each makes what runs a program; an ImportError says that it is not installed."""

LANGUAGES: dict[str, Load] = {
    "RestrictedPython": restricted_load,
    "smolagents LocalPythonExecutor": smolagents_load,
    "openenv PyExecutor": openenv_load,
    "pydantic-monty": monty_load,
}
"""Those that keep a program for later calls."""
