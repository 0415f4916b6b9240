"""Down, else left, else right, else up: the large tiles gather in a corner."""


def strategy(board):
    return min(legal(board), key="SADW".index)
