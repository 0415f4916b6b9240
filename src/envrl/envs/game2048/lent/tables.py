# Answers by row, shared by all workers. A row is a tuple of tile values. What the toolkit uses are the bound look-ups
# at the end: with them a helper runs through its rows without a Python loop. An unknown row is worked out each time: no
# game may leave its mark on another's answers, not even by which of them are known.


class _Rows(dict):
    def __init__(self, answer):
        self.answer = answer

    def __missing__(self, row):
        return self.answer(row)


def _slide(row):
    tiles = [tile for tile in row if tile]
    merged, i = [], 0
    while i < len(tiles):
        pair = i + 1 < len(tiles) and tiles[i] == tiles[i + 1]
        merged.append(2 * tiles[i] if pair else tiles[i])
        i += 2 if pair else 1
    return (*merged, *[0] * (len(row) - len(merged)))


def _slide_back(row):
    return _slide(row[::-1])[::-1]


def _gain(row):
    tiles = [tile for tile in row if tile]
    gain, i = 0, 0
    while i + 1 < len(tiles):
        pair = tiles[i] == tiles[i + 1]
        gain += 2 * tiles[i] if pair else 0
        i += 2 if pair else 1
    return gain


def _moves(row):
    return (1 if _slide(row) != row else 0) | (2 if _slide_back(row) != row else 0)


def _measures(row):
    """Merges, powers of two against the order, and between neighbours, in one number: see `_measure` of the toolkit."""
    if len(row) > 8 or max(row, default=0) >> 66:
        raise ValueError("a board has at most 8 rows and columns, and no tile above 2**65")
    powers = [tile.bit_length() for tile in row]
    steps = [b - a for a, b in zip(powers, powers[1:])]
    merges = sum(a == b != 0 for a, b in zip(row, row[1:]))
    disorder = min(sum(s for s in steps if s > 0), -sum(s for s in steps if s < 0))
    tiles = [power for power in powers if power]
    roughness = sum(abs(b - a) for a, b in zip(tiles, tiles[1:]))
    return merges | disorder << 7 | roughness << 20


ANSWERS = [_Rows(answer) for answer in (_slide, _slide_back, _gain, _moves, _measures)]
TO_START, TO_END, GAIN, MOVES, MEASURES = [rows.__getitem__ for rows in ANSWERS]


def _warm():
    """Works out the rows of an ordinary 4x4 game, tiles up to 2048.

    Workers take turns at a core many thousand times a second, and each copies the pages that it counts references on.
    So what is used often lies together, rows of small tiles first, and equal answers are one object.
    """
    tiles = [0, *(2**k for k in range(1, 12))]
    rows = [(a, b, c, d) for a in tiles for b in tiles for c in tiles for d in tiles]
    rows.sort(key=lambda row: sum(tile.bit_length() for tile in row))
    rows = [(*row,) for row in rows]  # copies, made in this order
    known = {row: row for row in rows}
    for answers in ANSWERS:
        for row in rows:
            answer = answers.answer(row)
            answers[row] = known.setdefault(answer, answer)


_warm()
