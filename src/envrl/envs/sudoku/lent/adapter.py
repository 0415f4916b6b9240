# What the host sends is one byte a cell, row by row: the board, then the board of the start. A strategy receives two
# nested lists.


def arguments(payload):
    rows = [list(payload[start : start + 9]) for start in range(0, 162, 9)]
    return rows[:9], rows[9:]
