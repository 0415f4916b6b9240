"""Keep rows and columns in order, and the board empty: a heuristic of one move ahead, in plain Python and helpers."""


def strategy(board):
    def value(move):
        after = slide(board, move)
        return 9 * empties(after) + 4 * mono(after) + 5 * merges(after)

    return max(legal(board), key=value)
