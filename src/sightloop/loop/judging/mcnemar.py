"""McNemar's paired test (1947): whether two models that answered the same samples differ by more than chance."""

from __future__ import annotations


def worse(lost: int, won: int) -> float:
    """How likely an equally good challenger would lose `lost` or more of the samples on which the two models differ.

    `lost` counts samples that only the champion had right, `won` those that only the challenger had right: one-sided,
    exact by the binomial distribution with p = 1/2.
    """
    differing = lost + won
    term = total = 1  # terms of the upper tail as whole numbers, from C(n, n) down to C(n, lost)
    for taken in range(differing, lost, -1):
        term = term * taken // (differing - taken + 1)
        total += term
    return float(total / (1 << differing))
