"""The language policy: which Python a strategy may be written in.

It finds cheats and names them, with the line and the reason; it is *not* the boundary (the kernel is). It stands on
RestrictedPython's transformer: every node type that RestrictedPython does not know is refused, so a new Python
brings no surprise. Its run-time rewriting is dropped, so that an accepted program runs at full speed; what that
rewriting guarded is kept out by the checks here and by the facades (`inside.facades`).

One thing is added to the program: a call at the start of each handler, ``finally`` and ``__exit__`` that passes on
what no strategy may swallow (an exhausted CPU or memory budget).
"""

from __future__ import annotations

import ast
import string
from collections.abc import Container, Iterable
from typing import Any

from RestrictedPython.transformer import INSPECT_ATTRIBUTES, RestrictingNodeTransformer

__all__ = ["GUARD", "UNPATCHED", "Policy", "Violation", "attribute_reason"]

GUARD = "envrl guard"
"""Name of the injected call; it holds a space, so that no source text can speak it."""

METHODS = frozenset(
    f"__{name}__"
    for name in (
        "init post_init repr str eq ne lt le gt ge hash bool len iter next contains getitem setitem delitem call "
        "enter exit add radd iadd sub rsub isub mul rmul imul truediv rtruediv floordiv rfloordiv mod rmod pow neg pos "
        "abs invert and or xor lshift rshift int float index round reversed missing"
    ).split()
)
"""Special methods that a class may define."""

DETOURS = frozenset({"eval", "exec", "compile", "open", "__import__", "globals", "locals", "vars", "breakpoint"})
"""Builtins whose mere mention is a violation, unless the program gives the name a meaning of its own."""

UNPATCHED = "__exit__"
"""A class defines it by ``def`` or not at all: only there it gets its guard."""

_MARKERS = frozenset({"getattr", "setattr", "wraps", "dataclass"})
"""What sets attributes, or hands out by name what does. A shared function, unlike a sealed class, would keep them."""

_FORMATTERS = frozenset({"format", "format_map"})


class Violation(Exception):
    """The program asks for what the policy forbids.

    Attributes:
        reasons: every finding, ``(line, reason)``, in the order of the source.
    """

    def __init__(self, reasons: Iterable[tuple[int, str]]) -> None:
        self.reasons = sorted(reasons)
        line, reason = self.reasons[0]
        super().__init__(f"line {line}: {reason}")


def attribute_reason(name: str) -> str | None:
    """Why an attribute of this name is refused, or None where it is allowed."""
    if name.startswith("__") and name.endswith("__") and name not in METHODS:
        return f"special attribute {name!r}"
    if name in INSPECT_ATTRIBUTES or name == "mro":
        return f"interpreter attribute {name!r}"
    return None


def _plain_fields(text: str) -> bool:
    """Whether a format string only names fields, without walking from them to attributes or items."""
    try:
        fields = list(string.Formatter().parse(text))
    except ValueError:
        return True  # str.format raises the same, in the strategy's own time
    return all(not (set(".[") & set(field or "")) and (not spec or _plain_fields(spec)) for _, field, spec, _ in fields)


class _Bindings(ast.NodeVisitor):
    """Every name that the program binds, anywhere."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.names.add(node.id)

    def visit_arg(self, node: ast.arg) -> None:
        self.names.add(node.arg)
        self.generic_visit(node)

    def _definition(self, node: Any) -> None:
        self.names.add(node.name)
        self.generic_visit(node)

    visit_FunctionDef = visit_ClassDef = _definition


class Policy(RestrictingNodeTransformer):  # type: ignore[misc]
    """RestrictedPython's static checks, under our rules; use `Policy.apply`.

    Args:
        imports: modules that the task lends.
    """

    def __init__(self, imports: Container[str]) -> None:
        super().__init__()
        self._imports = imports
        self._reasons: list[tuple[int, str]] = []
        self._bound: set[str] = set()
        self.marks = False
        """Whether the program says anything by which it could leave a mark on what its games share."""

    def apply(self, tree: ast.Module) -> ast.Module:
        """The tree with its guards, checked.

        Raises:
            Violation: the program asks for what the policy forbids.
        """
        bindings = _Bindings()
        bindings.visit(tree)
        self._bound = bindings.names
        tree = self.visit(tree)
        if self._reasons:
            raise Violation(self._reasons)
        return ast.fix_missing_locations(tree)

    # -- how RestrictedPython reports -----------------------------------------------------------------------------

    def error(self, node: ast.AST, info: str) -> None:
        self._reasons.append((getattr(node, "lineno", 0), info))

    def warn(self, node: ast.AST, info: str) -> None:
        pass

    def check_name(self, node: ast.AST, name: str | None, allow_magic_methods: bool = False) -> None:
        if name is None or not name.startswith("__") or not name.endswith("__") or not name.strip("_"):
            return
        if not (allow_magic_methods and name in METHODS):
            self.error(node, f"special name {name!r}")

    # -- names, attributes, calls ---------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> ast.AST:
        self.marks |= node.id in _MARKERS
        loads = isinstance(node.ctx, ast.Load)
        if loads and node.id in DETOURS and node.id not in self._bound:
            self.error(node, f"call of {node.id!r}")
        elif not (loads and node.id == "__name__") and node.id != "__slots__":
            # A class may name one operator after another, but the guarded one it has to define.
            self.check_name(node, node.id, allow_magic_methods=node.id != UNPATCHED)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        loads = isinstance(node.ctx, ast.Load)
        self.marks |= not loads or node.attr in _MARKERS
        # __init__ of a property that all games share gives it another function.
        self.marks |= node.attr == "__init__"
        reason = attribute_reason(node.attr)
        if reason and not (loads and node.attr == "__name__"):
            self.error(node, reason)
        elif node.attr == UNPATCHED and not loads:
            self.error(node, f"assignment to {node.attr!r}")
        elif node.attr in _FORMATTERS and not (
            isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            and _plain_fields(node.value.value)
        ):
            self.error(node, f"{node.attr!r} on anything but a literal with plain fields (write an f-string)")
        return self._contents(node)

    def visit_Call(self, node: ast.Call) -> Any:
        return self._contents(node)

    # -- imports --------------------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            self._check_import(node, alias.name)
            self.check_name(node, alias.asname)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.level:
            self.error(node, "relative import")
        elif not (node.module == "__future__" and [a.name for a in node.names] == ["annotations"]):
            self._check_import(node, node.module or "")
        for alias in node.names:
            self.marks |= alias.name in _MARKERS
            if alias.name == "*":
                self.error(node, "import of '*'")
            self.check_name(node, alias.name)
            self.check_name(node, alias.asname)
        return node

    def _check_import(self, node: ast.AST, module: str) -> None:
        if module not in self._imports:
            self.error(node, f"import of {module!r}")

    # -- definitions ----------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.check_name(node, node.name, allow_magic_methods=True)
        self.check_function_argument_names(node)
        self._contents(node)
        if node.name == "__exit__":
            # Its guard must run when it is called; a generator's would run later, or never.
            if node.decorator_list or any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in ast.walk(node)):
                self.error(node, "an '__exit__' that is decorated, or a generator")
            node.body.insert(0, _guard(node))
        return node

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self.check_function_argument_names(node)
        return self._contents(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        self.check_name(node, node.name)
        if node.keywords:
            self.error(node, "keyword in a class statement")
        return self._contents(node)

    # -- what no strategy may swallow -----------------------------------------------------------------------------

    def visit_Try(self, node: ast.Try) -> ast.AST:
        self._contents(node)
        if node.finalbody:
            node.finalbody.insert(0, _guard(node))
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.check_name(node, node.name)
        self._contents(node)
        node.body.insert(0, _guard(node))
        return node

    # -- patterns -------------------------------------------------------------------------------------------------

    def visit_MatchClass(self, node: ast.MatchClass) -> Any:
        self.marks |= not _MARKERS.isdisjoint(node.kwd_attrs) or "__init__" in node.kwd_attrs
        for name in node.kwd_attrs:
            reason = attribute_reason(name) or (f"{name!r} in a pattern" if name in _FORMATTERS else None)
            if reason:
                self.error(node, reason)
        return self._contents(node)

    def _named_pattern(self, node: Any) -> Any:
        self.check_name(node, getattr(node, "name", None) or getattr(node, "rest", None))
        return self._contents(node)

    visit_MatchAs = visit_MatchStar = visit_MatchMapping = _named_pattern

    # -- allowed as they stand: RestrictedPython would rewrite these, or refuse them ----------------------------------

    def _contents(self, node: Any) -> Any:
        return self.node_contents_visit(node)

    visit_Module = visit_Assign = visit_AugAssign = visit_AnnAssign = visit_Subscript = _contents
    visit_For = visit_comprehension = visit_With = visit_withitem = visit_Nonlocal = _contents
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_NamedExpr = _contents
    visit_Match = visit_match_case = visit_MatchValue = visit_MatchSingleton = _contents
    visit_MatchSequence = visit_MatchOr = _contents


def _guard(at: ast.AST) -> ast.stmt:
    call = ast.Expr(ast.Call(ast.Name(GUARD, ast.Load()), [], []))
    return ast.copy_location(call, at)
