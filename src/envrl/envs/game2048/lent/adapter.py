# What the host sends is one byte a cell, the exponents row by row; a strategy receives nested lists of tile values.
from math import isqrt

TILES = [0, *(2**k for k in range(1, 65))]


def arguments(payload):
    if len(payload) == 16:  # the ordinary board by hand, in less than half the time
        t = TILES
        a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q = payload
        return (
            [[t[a], t[b], t[c], t[d]], [t[e], t[f], t[g], t[h]], [t[i], t[j], t[k], t[m]], [t[n], t[o], t[p], t[q]]],
        )
    size = isqrt(len(payload))
    tiles = [TILES[exponent] for exponent in payload]
    return ([tiles[start : start + size] for start in range(0, size * size, size)],)
