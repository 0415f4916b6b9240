"""One game of Sudoku: a board that is filled cell by cell and refuses what the rules forbid."""

from __future__ import annotations

from envrl.envs.sudoku.generator import Puzzle

__all__ = ["Game"]


class Game:
    """A puzzle and what was filled in.

    Digits already placed stay: no cell is filled twice. A digit that no rule forbids is taken even if it is not that of
    the solution; the game can then no longer be won.

    Args:
        puzzle: its clues are the start.

    Attributes:
        puzzle: as given.
        board: the 81 digits as they stand, row by row, 0 for an empty cell.
        blanks: number of empty cells at the start.
        filled: how many of them have a digit now.
        correct: how many of them have the digit of the solution.
    """

    __slots__ = ("_used", "blanks", "board", "correct", "filled", "puzzle")

    def __init__(self, puzzle: Puzzle) -> None:
        self.puzzle = puzzle
        self.board = bytearray(puzzle.clues)
        self.blanks = self.board.count(0)
        self.filled = self.correct = 0
        self._used = [0] * 27  # the digits of each row, column and box, as bits
        for cell, digit in enumerate(self.board):
            if digit:
                self._use(cell, digit)

    def place(self, row: int, column: int, digit: int) -> str:
        """Fill a cell, if the rules allow it.

        Args:
            row, column: 0 to 8.
            digit: 1 to 9.

        Returns:
            "" if the digit was placed; else why not, in a clause: the cell has one, or its row, column or box has it.
        """
        cell = 9 * row + column
        objection = self._objection(cell, digit)
        if objection:
            return objection
        self.board[cell] = digit
        self._use(cell, digit)
        self.filled += 1
        self.correct += self.puzzle.solution[cell] == digit
        return ""

    def _objection(self, cell: int, digit: int) -> str:
        if self.board[cell]:
            return f"the cell has {self.board[cell]} {'from the start' if self.puzzle.clues[cell] else 'already'}"
        for name, unit in zip(("row", "column", "box"), _units(cell), strict=True):
            if self._used[unit] >> digit & 1:
                return f"its {name} has {digit} already"
        return ""

    @property
    def solved(self) -> bool:
        """Whether the board is full; `place` has kept the rules and the givens."""
        return self.filled == self.blanks

    @property
    def stuck(self) -> bool:
        """Whether no cell can be filled, though some are empty."""
        if self.solved:
            return False
        return all(digit or self._taken(cell) == 0b11_1111_1110 for cell, digit in enumerate(self.board))

    def _taken(self, cell: int) -> int:
        row, column, box = _units(cell)
        return self._used[row] | self._used[column] | self._used[box]

    def _use(self, cell: int, digit: int) -> None:
        for unit in _units(cell):
            self._used[unit] |= 1 << digit


def _units(cell: int) -> tuple[int, int, int]:
    """The numbers of the row, the column and the box of a cell."""
    row, column = divmod(cell, 9)
    return row, 9 + column, 18 + row // 3 * 3 + column // 3
