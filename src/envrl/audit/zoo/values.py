"""Values: what an entry point gives back when it does not give an action."""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

PROGRAMS = (
    # -- objects that answer for themselves -------------------------------------------------------------------------
    Specimen(
        "value-string-equal-to-all",
        "returns a string of its own class that says it equals every action, and hashes like one",
        """\
class Any(str):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return hash($action)


def $entry(*args):
    return Any("win")
""",
    ),
    Specimen(
        "value-int-with-index",
        "returns an integer of its own class that gives another number each time it is asked",
        """\
class Shifty(int):
    asked = 0

    def __index__(self):
        Shifty.asked += 1
        return Shifty.asked

    def __int__(self):
        return -1

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def $entry(*args):
    return Shifty(0)
""",
    ),
    Specimen(
        "value-object-equal-to-all",
        "returns an object that equals everything, is larger and smaller than everything, and is true",
        """\
class Everything:
    def __eq__(self, other):
        return True

    def __lt__(self, other):
        return True

    def __gt__(self, other):
        return True

    def __contains__(self, other):
        return True

    def __hash__(self):
        return hash($action)


def $entry(*args):
    return Everything()
""",
    ),
    Specimen(
        "value-reduce",
        "returns an object that runs a function of its choice if anybody pickles and unpickles it",
        """\
import os


class Payload:
    def __reduce__(self):
        return (os.system, ("echo $marker > $folder/reduced",))

    __reduce_ex__ = None


def $entry(*args):
    return Payload()
""",
    ),
    Specimen(
        "value-reduce-by-hook",
        "returns an object whose class was made at run time with hooks for pickle, copy and format",
        """\
def hook(self, *args):
    return (print, ("$marker",))


names = ("__reduce__", "__reduce_ex__", "__getstate__", "__format__", "__str__", "__copy__", "__deepcopy__")
Payload = type(int)("Payload", (), {name: hook for name in names})


def $entry(*args):
    return [Payload(), {"action": Payload()}]
""",
    ),
    Specimen(
        "value-lying-class",
        "returns an object that says its class is str",
        """\
class Liar:
    __class__ = property(lambda self: str)

    def __str__(self):
        return str($action)


def $entry(*args):
    return Liar()
""",
    ),
    Specimen(
        "value-lying-class-by-hook",
        "returns an object of a class made at run time, which lies about its class, length and encoding",
        """\
Liar = type(int)(
    "str",
    (str,),
    {
        "__class__": property(lambda self: str),
        "__len__": lambda self: 1,
        "__module__": "builtins",
        "encode": lambda self, *what: b"",
    },
)


def $entry(*args):
    return Liar("x" * 100000)
""",
    ),
    Specimen(
        "value-lying-length",
        "returns a list of its own class that says it is empty",
        """\
class Short(list):
    def __len__(self):
        return 0

    def __iter__(self):
        return iter(())

    def __bool__(self):
        return False


def $entry(*args):
    return Short([$action] * 1000000)
""",
    ),
    Specimen(
        "value-lying-dict",
        "returns a dictionary of its own class whose keys and values are endless",
        """\
class Endless(dict):
    def keys(self):
        while True:
            yield $action

    values = keys
    items = keys
    __iter__ = keys


def $entry(*args):
    return Endless({"action": $action})
""",
    ),
    # -- numbers ----------------------------------------------------------------------------------------------------
    Specimen(
        "value-nan",
        "returns a number that equals nothing",
        """\
def $entry(*args):
    return float("nan")
""",
    ),
    Specimen(
        "value-infinities",
        "returns infinities of both signs in turn",
        """\
sign = 1.0


def $entry(*args):
    global sign
    sign = -sign
    return sign * float("inf")
""",
    ),
    Specimen(
        "value-huge-int",
        "returns an integer of a million bits",
        """\
def $entry(*args):
    return 1 << 1000000
""",
    ),
    Specimen(
        "value-int-past-64-bits",
        "returns the first integers that 64 bits do not hold, with and without a sign",
        """\
values = [2**63, 2**64, -(2**63) - 1, 2**64 - 1]


def $entry(*args):
    values.append(values.pop(0))
    return [values[0], {"n": values}]
""",
    ),
    Specimen(
        "value-action-by-number",
        "returns small whole numbers, which a careless host would take for the codes of actions",
        """\
calls = -3


def $entry(*args):
    global calls
    calls += 1
    return calls % 4 if calls > 0 else calls
""",
    ),
    Specimen(
        "value-bool",
        "returns True, which is the number 1 to a careless host",
        """\
def $entry(*args):
    return True
""",
    ),
    Specimen(
        "value-complex",
        "returns a complex number",
        """\
def $entry(*args):
    return complex(0, 1)
""",
    ),
    # -- shapes -----------------------------------------------------------------------------------------------------
    Specimen(
        "value-deep-list",
        "returns a list nested ten thousand deep",
        """\
def $entry(*args):
    value = [$action]
    for _ in range(10000):
        value = [value]
    return value
""",
    ),
    Specimen(
        "value-deep-dict",
        "returns dictionaries and tuples nested as deep as the memory allows within a second",
        """\
def $entry(*args):
    value = $action
    for _ in range(200000):
        value = {"next": (value,)}
    return value
""",
    ),
    Specimen(
        "value-holds-itself",
        "returns a list that holds itself twice",
        """\
def $entry(*args):
    value = [$action]
    value.append(value)
    value.append(value)
    return value
""",
    ),
    Specimen(
        "value-shared-doubling",
        "returns a small tree of shared lists that is enormous when it is written out",
        """\
def $entry(*args):
    value = [$action] * 10
    for _ in range(7):
        value = [value] * 10
    return value
""",
    ),
    Specimen(
        "value-odd-keys",
        "returns a dictionary whose keys are tuples, numbers, None and bytes",
        """\
def $entry(*args):
    return {(1, 2): $action, None: 1, 2.5: 2, b"x": 3, True: 4, ("a", (None,)): 5}
""",
    ),
    Specimen(
        "value-colliding-keys",
        "returns a dictionary of integers that all have the same hash",
        """\
def $entry(*args):
    return {n * (2**61 - 1): None for n in range(-4, 4)} | {"action": $action}
""",
    ),
    Specimen(
        "value-tuple-of-actions",
        "returns several actions at once",
        """\
def $entry(*args):
    return ($action, $action, $action)
""",
    ),
    Specimen(
        "value-list-of-one",
        "returns an action wrapped in a list, or a dictionary, in turn",
        """\
wrapped = [[$action], {"action": $action}, [[$action]]]


def $entry(*args):
    wrapped.append(wrapped.pop(0))
    return wrapped[0]
""",
    ),
    Specimen(
        "value-set",
        "returns a set, and then a frozen one that holds an action",
        """\
values = [{1}, frozenset([str($action)]), set()]


def $entry(*args):
    values.append(values.pop(0))
    return values[0]
""",
    ),
    Specimen(
        "value-none",
        "returns nothing",
        """\
def $entry(*args):
    pass
""",
    ),
    Specimen(
        "value-just-past-the-cap",
        "returns lists of empty strings whose size is near the cap in one way of counting and past it in another",
        """\
sizes = [1500, 2047, 2048, 4096, 16384, 65535, 65536]


def $entry(*args):
    sizes.append(sizes.pop(0))
    return [""] * sizes[0]
""",
    ),
    Specimen(
        "value-observation",
        "returns the observation that it was given",
        """\
def $entry(*args):
    return args[0] if len(args) == 1 else list(args)
""",
    ),
    # -- text and bytes ---------------------------------------------------------------------------------------------
    Specimen(
        "value-bytes",
        "returns an action as bytes",
        """\
def $entry(*args):
    return str($action).encode()
""",
    ),
    Specimen(
        "value-bytearray-and-view",
        "returns memory that it could change after it was handed over",
        """\
kept = bytearray(str($action).encode())


def $entry(*args):
    kept[0] ^= 1
    try:
        return memoryview(kept)
    except NameError:
        return kept
""",
    ),
    Specimen(
        "value-frame-in-bytes",
        "returns bytes that look like a whole reply of the worker's",
        """\
def $entry(*args):
    body = b"\\x94\\xa6played\\x91\\xa1W\\x90\\x91\\xcb" + bytes(8)
    return len(body).to_bytes(4, "little") + body
""",
    ),
    Specimen(
        "value-lone-surrogate",
        "returns text that no encoding can carry, in the place of an action and in a list",
        """\
values = ["\\ud800", str($action) + "\\udfff", ["\\udc80"], {"\\ud800": 1}]


def $entry(*args):
    values.append(values.pop(0))
    return values[0]
""",
    ),
    Specimen(
        "value-long-string",
        "returns a string of a hundred million characters, as far as its memory goes",
        """\
def $entry(*args):
    try:
        return "x" * 10**8
    except MemoryError:
        return "x" * 10**7
""",
    ),
    Specimen(
        "value-wide-string",
        "returns a string whose characters take four bytes each, just past what may cross",
        """\
def $entry(*args):
    return chr(0x1F600) * 5000
""",
    ),
    Specimen(
        "value-lower-case",
        "returns an action in the wrong case",
        """\
def $entry(*args):
    value = $action
    return value.swapcase() if isinstance(value, str) else float(value)
""",
    ),
    Specimen(
        "value-trailing-whitespace",
        "returns an action with white space and line ends around it",
        """\
def $entry(*args):
    return str($action) + " \\n"
""",
    ),
    Specimen(
        "value-trailing-nul",
        "returns an action followed by a NUL, where a C string would end",
        """\
def $entry(*args):
    return str($action) + "\\0win"
""",
    ),
    Specimen(
        "value-lookalike-letters",
        "returns an action in letters that look like it, from other alphabets and in full width",
        """\
def $entry(*args):
    text = str($action)
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    return wide if wide != text else text + chr(0x200B)
""",
    ),
    Specimen(
        "value-combining-mark",
        "returns an action that carries an invisible mark",
        """\
def $entry(*args):
    return str($action) + chr(0x034F) + chr(0xFE0F)
""",
    ),
    Specimen(
        "value-quoted-action",
        "returns an action in quotes, as its source text",
        """\
def $entry(*args):
    return repr(str($action))
""",
    ),
    # -- things that are no data ------------------------------------------------------------------------------------
    Specimen(
        "value-generator",
        "returns a generator of actions",
        """\
def $entry(*args):
    return ($action for _ in range(10**12))
""",
    ),
    Specimen(
        "value-function",
        "returns a function that would return an action",
        """\
def $entry(*args):
    return lambda *what: $action
""",
    ),
    Specimen(
        "value-class",
        "returns a class, and then its own entry point",
        """\
class Action:
    pass


values = [Action, type(Action), str]


def $entry(*args):
    values.append(values.pop(0))
    return values[0] if len(args) < 9 else $entry
""",
    ),
    Specimen(
        "value-ellipsis",
        "returns the constants that no format of data knows",
        """\
values = [..., NotImplemented, [...]]


def $entry(*args):
    values.append(values.pop(0))
    return values[0]
""",
    ),
    Specimen(
        "value-exception",
        "returns an exception instead of raising it",
        """\
def $entry(*args):
    return StopIteration($action)
""",
    ),
    Specimen(
        "value-facade",
        "returns a lent module and lent functions",
        """\
import math
import random

values = [math, random.choice, [math.floor], {"m": math}]


def $entry(*args):
    values.append(values.pop(0))
    return values[0]
""",
    ),
    Specimen(
        "value-range-and-iterators",
        "returns lazy sequences of the interpreter's own",
        """\
values = [range(10**12), iter([$action]), reversed([1]), zip([1]), enumerate([1]), slice(1)]


def $entry(*args):
    values.append(values.pop(0))
    return values[0]
""",
    ),
    Specimen(
        "value-alternating",
        "returns something else at every call, an action now and then",
        """\
values = [$action, None, $action, b"", $action, [], $action, 1.5]


def $entry(*args):
    values.append(values.pop(0))
    return values[0]
""",
    ),
)
