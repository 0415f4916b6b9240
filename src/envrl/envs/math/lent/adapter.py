# What the host sends are the arguments of solve, as a JSON list.
from json import loads


def arguments(payload):
    return tuple(loads(payload))
