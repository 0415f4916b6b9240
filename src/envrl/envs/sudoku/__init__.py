"""Sudoku: fill the board so that no row, column or box has a digit twice."""

from envrl.envs.sudoku.env import SudokuEnv, board_text
from envrl.envs.sudoku.generator import Puzzle, puzzle
from envrl.envs.sudoku.grading import GRADES, Grade, grade
from envrl.envs.sudoku.solver import Grid, solutions

__all__ = ["GRADES", "Grade", "Grid", "Puzzle", "SudokuEnv", "board_text", "grade", "puzzle", "solutions"]
