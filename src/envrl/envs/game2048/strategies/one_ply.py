"""One move ahead: many empty cells, tiles in order, and neighbours to merge."""


def strategy(board):
    def value(move):
        after = slide(board, move)
        return 9 * empties(after) + 4 * mono(after) + 5 * merges(after)

    return max(legal(board), key=value)
