"""A naked or hidden single where there is one: else the guess with the fewest alternatives."""


def strategy(board, initial):
    def alternatives(move):
        return min(options(board, move), in_row(board, move), in_col(board, move), in_box(board, move))

    return min(moves(board), key=alternatives)
