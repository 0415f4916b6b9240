"""Source text: programs that are hostile before they run, to whatever decodes, parses, checks and compiles them."""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

# The cap on a source is 64 KiB unless a task sets another one. Programs below it reach the parser and the compiler;
# those beyond show that the cap comes first. Where a text declares an encoding, a line in a comment turns into a
# statement under that encoding, and the program can tell whether somebody believed the declaration.

_PLAY = """\
def $entry(*args):
    return $action
"""

_IF_HIDDEN = """\
def $entry(*args):
    try:
        return "$breach" if HIDDEN else $action
    except NameError:
        return $action
"""


def _nested_ifs(depth: int) -> str:
    return "".join(f"{' ' * n}if True:\n" for n in range(depth)) + f"{' ' * depth}pass\n"


def _nested_functions(depth: int) -> str:
    return "".join(f"{' ' * n}def f{n}():\n" for n in range(depth)) + f"{' ' * depth}pass\n"


def _nested_finally(depth: int) -> str:
    lines = []
    for n in range(depth):
        lines += [f"{' ' * (n + 1)}try:", f"{' ' * (n + 2)}x = {n}", f"{' ' * (n + 1)}finally:"]
    return "\n".join(lines) + f"\n{' ' * (depth + 1)}x = 1\n"


def _nested_f_string(depth: int) -> str:
    # Each level stands in the format specification of the one around it.
    return 'f"' + "{1:" * depth + "}" * depth + '"'


PROGRAMS = (
    # -- characters and encodings -----------------------------------------------------------------------------------
    Specimen(
        "source-nul-byte",
        "ends in a NUL byte",
        _PLAY + "\0",
    ),
    Specimen(
        "source-nul-in-comment",
        "hides lines behind a NUL byte in a comment",
        "# harmless \0\nimport os\n" + _PLAY,
    ),
    Specimen(
        "source-encoding-utf-7",
        "declares UTF-7, in which a comment holds the end of its line and a statement",
        "# -*- coding: utf-7 -*-\n# +AAo-HIDDEN = 1\n" + _IF_HIDDEN,
    ),
    Specimen(
        "source-encoding-unicode-escape",
        "declares an encoding of escapes, in which a comment holds the end of its line and a statement",
        "# coding: raw_unicode_escape\n# \\u000aHIDDEN = 1\n" + _IF_HIDDEN,
    ),
    Specimen(
        "source-encoding-rot13",
        "declares an encoding that turns letters round",
        "# coding: rot13\n# uvqqra\n" + _PLAY,
    ),
    Specimen(
        "source-encoding-unknown",
        "declares encodings that do not exist, one of them with a path in its name",
        "# coding: ../../etc/passwd\n# vim: set fileencoding=nothing :\n" + _PLAY,
    ),
    Specimen(
        "source-encoding-utf-16",
        "declares an encoding whose units are two bytes",
        "# coding: utf-16\n" + _PLAY,
    ),
    Specimen(
        "source-bom",
        "begins with the mark of UTF-8 twice, and has another in the middle of a name",
        "\ufeff\ufeff" + _PLAY + "na\ufeffme = 1\n",
    ),
    Specimen(
        "source-lone-surrogate",
        "holds half of a surrogate pair in a literal",
        "text = '\ud800'\n" + _PLAY,
    ),
    Specimen(
        "source-surrogate-in-name",
        "holds half of a surrogate pair in a name",
        "na\udfffme = 1\n" + _PLAY,
    ),
    Specimen(
        "source-right-to-left-name",
        "has names that hold overrides of the direction of reading, and marks of no width",
        "na\u202eme = 1\nna\u200dme = 2\n" + _PLAY,
    ),
    Specimen(
        "source-folded-names",
        "defines names that differ in the text and are one to the parser",
        "ﬁle = 1\nfile = 2\nª = 3\na = 4\nＷ = ｅval = 5\n" + _PLAY,
    ),
    Specimen(
        "source-named-characters",
        "spells a thousand characters by their Unicode names, which the parser has to look up",
        "text = '" + "\\N{LATIN SMALL LETTER A WITH DIAERESIS}" * 1000 + "'\n" + _PLAY,
    ),
    # -- lines and white space --------------------------------------------------------------------------------------
    Specimen(
        "source-form-feeds",
        "puts form feeds where indentation is counted",
        "x = 1\n\f" + _PLAY.replace("    return", "  \f    return") + "\f\f\n",
    ),
    Specimen(
        "source-line-ends",
        "ends its lines in three ways, so that a comment ends early for some readers",
        "# comment\rx = 1\r\n# comment \n\r\ry = 2\n" + _PLAY,
    ),
    Specimen(
        "source-line-separators",
        "puts Unicode's line separators into a comment, where some readers end the line and Python does not",
        "# comment\u2028HIDDEN = 1\u2029HIDDEN = 1\x85HIDDEN = 1\x1cHIDDEN = 1\n" + _IF_HIDDEN,
    ),
    Specimen(
        "source-continuations",
        "breaks every line by backslashes and ends in one",
        "x = \\\n\\\n1\nif x: \\\n y = 2\n" + _PLAY + "z = 1 + \\",
    ),
    Specimen(
        "source-continuation-flood",
        "holds twenty thousand continued empty lines in one expression",
        "x = 1 + " + "\\\n" * 20_000 + "1\n" + _PLAY,
    ),
    Specimen(
        "source-mixed-tabs",
        "mixes tabs and spaces so that a block's extent depends on the width of a tab",
        "if 0:\n\tx = 1\n        HIDDEN = 1\n" + _IF_HIDDEN,
    ),
    Specimen(
        "source-long-line",
        "has a line of a million characters",
        "x = '" + "a" * 1_000_000 + "'\n" + _PLAY,
    ),
    Specimen(
        "source-ten-megabytes",
        "is ten megabytes long",
        _PLAY + "# filler\n" * 1_111_111,
    ),
    Specimen(
        "source-cap-in-bytes",
        "has fewer characters than the cap and more bytes",
        _PLAY + "# " + "😀" * 17_000 + "\n",
    ),
    # -- depth ------------------------------------------------------------------------------------------------------
    Specimen(
        "source-parentheses",
        "nests a number in thirty thousand parentheses",
        "x = " + "(" * 30_000 + "1" + ")" * 30_000 + "\n" + _PLAY,
    ),
    Specimen(
        "source-open-parentheses",
        "opens a hundred thousand brackets and closes none",
        _PLAY + "x = " + "[" * 100_000 + "\n",
    ),
    Specimen(
        "source-nested-lists",
        "nests lists as deep as the tokeniser permits, and calls in them",
        "x = "
        + "[" * 95
        + "max(max(1, 2), 3)"
        + "]" * 95
        + "\n"
        + "y = "
        + "{0:" * 150
        + "1"
        + "}" * 150
        + "\n"
        + _PLAY,
    ),
    Specimen(
        "source-minus-signs",
        "puts twenty thousand minus signs before a number",
        "x = " + "-" * 20_000 + "1\n" + _PLAY,
    ),
    Specimen(
        "source-nots",
        "negates a name ten thousand times",
        "x = " + "not " * 10_000 + "0\n" + _PLAY,
    ),
    Specimen(
        "source-long-sum",
        "adds twenty thousand terms in one expression",
        "y = 1\nx = y" + "+y" * 20_000 + "\n" + _PLAY,
    ),
    Specimen(
        "source-right-leaning-power",
        "raises to a power of a power, ten thousand times",
        "x = 1" + "**1" * 10_000 + "\n" + _PLAY,
    ),
    Specimen(
        "source-conditional-chain",
        "nests three thousand conditional expressions",
        "x = " + "1 if 0 else " * 3_000 + "2\n" + _PLAY,
    ),
    Specimen(
        "source-lambda-chain",
        "nests five thousand lambdas",
        "x = " + "lambda: " * 5_000 + "1\n" + _PLAY,
    ),
    Specimen(
        "source-nested-ifs",
        "nests more blocks than the tokeniser can indent",
        _nested_ifs(200) + _PLAY,
    ),
    Specimen(
        "source-nested-functions",
        "nests ninety functions",
        _nested_functions(90) + _PLAY,
    ),
    Specimen(
        "source-nested-finally",
        "nests finally clauses, which the compiler writes out twice each",
        "def f():\n" + _nested_finally(19) + _PLAY,
    ),
    Specimen(
        "source-nested-comprehensions",
        "nests comprehensions, each in the place where the one around it gets its items",
        "x = " + "[a for a in " * 90 + "[1]" + "]" * 90 + "\n" + _PLAY,
    ),
    Specimen(
        "source-nested-f-strings",
        "nests format specifications fifty deep",
        "x = " + _nested_f_string(50) + "\n" + _PLAY,
    ),
    Specimen(
        "source-f-string-fields",
        "has an f-string of five thousand fields",
        "y = 1\nx = f'" + "{y!r:>9}" * 5_000 + "'\n" + _PLAY,
    ),
    Specimen(
        "source-attribute-chain",
        "walks along twenty thousand attributes in one expression",
        "def f(x):\n    return x" + ".a" * 20_000 + "\n" + _PLAY,
    ),
    Specimen(
        "source-call-chain",
        "calls what it called what it called, fifteen thousand times",
        "def f(x):\n    return x" + "()[0]" * 10_000 + "\n" + _PLAY,
    ),
    Specimen(
        "source-comparison-chain",
        "compares twenty thousand numbers in one chain",
        "x = 1" + "<1" * 20_000 + "\n" + _PLAY,
    ),
    Specimen(
        "source-elif-chain",
        "asks five thousand times whether it is something else",
        "def f(x):\n    if x: y\n" + "    elif x: y\n" * 4_000 + _PLAY,
    ),
    Specimen(
        "source-match-alternatives",
        "matches patterns of many alternatives in each place of a sequence",
        "def f(x):\n    match x:\n        case ["
        + ", ".join(["(" + " | ".join(str(n) for n in range(150)) + ")"] * 60)
        + "]:\n            pass\n"
        + _PLAY,
    ),
    # -- size -------------------------------------------------------------------------------------------------------
    Specimen(
        "source-decorators",
        "puts fifteen thousand decorators on one function",
        "d = lambda f: f\n" + "@d\n" * 15_000 + _PLAY,
    ),
    Specimen(
        "source-decorator-nesting",
        "decorates with a call that takes a call that takes a call",
        "d = lambda *a: lambda f: f\n@" + "d(" * 90 + ")" * 90 + "\n" + _PLAY,
    ),
    Specimen(
        "source-constants",
        "holds a list of a hundred thousand numbers",
        "x = [" + ",".join(str(n) for n in range(100_000)) + "]\n" + _PLAY,
    ),
    Specimen(
        "source-names",
        "binds ten thousand names in one function",
        "def f():\n    " + ";".join(f"v{n}=0" for n in range(6_000)) + "\n" + _PLAY,
    ),
    Specimen(
        "source-arguments",
        "defines a function of five thousand arguments and calls it with as many",
        "def f("
        + ",".join(f"a{n}" for n in range(4_000))
        + "): pass\nf("
        + ",".join("0" for _ in range(4_000))
        + ")\n"
        + _PLAY,
    ),
    Specimen(
        "source-long-integer",
        "writes an integer of sixty thousand decimal digits",
        "x = " + "7" * 60_000 + "\n" + _PLAY,
    ),
    Specimen(
        "source-long-hexadecimal",
        "writes an integer of fifty thousand hexadecimal digits, and turns it into text",
        "x = 0x" + "f" * 50_000 + "\ny = str(x)\n" + _PLAY,
    ),
    Specimen(
        "source-constant-folding",
        "writes constants that are small in the text and large once the compiler has worked them out",
        "def f():\n    return 'x' * 4000 * 4000, ((1,) * 200,) * 200, 2 ** 10 ** 7, 1 << 10 ** 9, -(2 ** 9999)\n"
        + _PLAY,
    ),
    Specimen(
        "source-implicit-concatenation",
        "joins thirty thousand literals without a sign",
        "x = (" + "'' " * 20_000 + ")\n" + _PLAY,
    ),
    Specimen(
        "source-unclosed-string",
        "opens a long string at its end and never closes it",
        _PLAY + "x = '''" + "a\n" * 20_000,
    ),
    # -- what compilers do on the side ------------------------------------------------------------------------------
    Specimen(
        "source-braces",
        "asks the future for braces",
        "from __future__ import braces\n" + _PLAY,
    ),
    Specimen(
        "source-barry",
        "asks the future for another way to write that things differ",
        "from __future__ import barry_as_FLUFL\nx = 1 <> 2\n" + _PLAY,
    ),
    Specimen(
        "source-warnings",
        "has the compiler warn thousands of times, in words that the program chose",
        "def f(x):\n"
        + "".join(f"    x is 'alert{n}'; '\\d{n}'; (1)(2); assert (x, 'always')\n" for n in range(900))
        + _PLAY,
    ),
    Specimen(
        "source-error-in-many-words",
        "fails to parse where the message would repeat what it wrote",
        _PLAY + "\x1b[31m <b>$$(touch $folder/parsed)</b>\n",
    ),
    Specimen(
        "source-entry-point-in-name-only",
        "binds the entry point's name without a function, deletes it, and binds it again to another kind of thing",
        """\
$entry = None
del $entry
for $entry in [1]:
    pass
""",
    ),
    Specimen(
        "source-entry-point-by-import",
        "takes the entry point out of a module",
        """\
from random import choice as $entry
""",
    ),
    Specimen(
        "source-empty",
        "is white space and nothing else",
        " \n\t\n\f\n",
    ),
)
