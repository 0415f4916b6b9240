"""The move that merges the most, among those that change the board."""


def strategy(board):
    return max(legal(board), key=lambda move: score_of(board, move))
