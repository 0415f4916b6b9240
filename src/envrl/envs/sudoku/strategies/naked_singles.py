"""The cell that the fewest digits fit into: one where there is a naked single, a guess where there is none."""


def strategy(board, initial):
    return min(moves(board), key=lambda move: options(board, move))
