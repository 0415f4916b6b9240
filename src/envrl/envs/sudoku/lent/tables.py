# What the toolkit looks up. A set of digits is an integer: bit d stands for digit d.
BOX = [[row // 3 * 3 + column // 3 for column in range(9)] for row in range(9)]
CELLS = [(row, column) for row in range(9) for column in range(9)]
PEERS = {
    (row, column): [
        (r, c)
        for r, c in CELLS
        if (r, c) != (row, column) and (r == row or c == column or BOX[r][c] == BOX[row][column])
    ]
    for row, column in CELLS
}
DIGITS = [tuple([digit for digit in range(1, 10) if taken >> digit & 1]) for taken in range(1024)]
# Four bits a digit, one in each that the set has: sums of these count nine digits at once.
SPREAD = [sum(1 << 4 * digit for digit in digits) for digits in DIGITS]
