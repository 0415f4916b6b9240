# Answers by row, shared by all workers: a row is a tuple of tile values, and an unknown one is worked out once.


class SLID(dict):
    """row -> (the row slid toward its first cell, the value merged)."""

    def __missing__(self, row):
        tiles = [tile for tile in row if tile]
        merged, gain, i = [], 0, 0
        while i < len(tiles):
            if i + 1 < len(tiles) and tiles[i] == tiles[i + 1]:
                merged.append(2 * tiles[i])
                gain += 2 * tiles[i]
                i += 2
            else:
                merged.append(tiles[i])
                i += 1
        self[row] = answer = (tuple(merged) + (0,) * (len(row) - len(merged)), gain)
        return answer


class MERGES(dict):
    """row -> number of neighbouring equal tiles."""

    def __missing__(self, row):
        self[row] = answer = sum(a == b != 0 for a, b in zip(row, row[1:]))
        return answer


class MONO(dict):
    """row -> minus the rise against its main direction, in powers of two; 0 for a row that only rises or only falls."""

    def __missing__(self, row):
        powers = [tile.bit_length() for tile in row]
        steps = [b - a for a, b in zip(powers, powers[1:])]
        self[row] = answer = -min(sum(s for s in steps if s > 0), -sum(s for s in steps if s < 0))
        return answer


class SMOOTH(dict):
    """row -> minus the differences between neighbouring tiles, in powers of two, empty cells passed over."""

    def __missing__(self, row):
        powers = [tile.bit_length() for tile in row if tile]
        self[row] = answer = -sum(abs(b - a) for a, b in zip(powers, powers[1:]))
        return answer


SLID, MERGES, MONO, SMOOTH = SLID(), MERGES(), MONO(), SMOOTH()


def _warm():
    """Fills the tables with the rows of an ordinary 4x4 game, tiles up to 512."""
    tiles = [0, *(2**k for k in range(1, 10))]
    for a in tiles:
        for b in tiles:
            for c in tiles:
                for d in tiles:
                    row = (a, b, c, d)
                    SLID[row], MERGES[row], MONO[row], SMOOTH[row]


_warm()
