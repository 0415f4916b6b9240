"""Any move that changes the board."""


def strategy(board):
    return choice(legal(board))
