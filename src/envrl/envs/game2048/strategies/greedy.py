"""The move that merges the most."""


def strategy(board):
    return max(legal(board), key=lambda move: score_of(board, move))
