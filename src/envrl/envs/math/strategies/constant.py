"""The same answer to every problem: what each family has to beat."""


def solve(*parameters: object) -> int:
    return 1
