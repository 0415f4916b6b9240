"""A search for the solution, afresh at each move: always the cell with the fewest candidates."""


def solve(board):
    if dead(board):
        return None
    cells = blanks(board)
    if not cells:
        return board
    row, col = min(cells, key=lambda cell: len(candidates(board, *cell)))
    for digit in candidates(board, row, col):
        solved = solve(placed(board, (row, col, digit)))
        if solved:
            return solved
    return None


def strategy(board, initial):
    row, col = blanks(board)[0]
    return row, col, solve(board)[row][col]
