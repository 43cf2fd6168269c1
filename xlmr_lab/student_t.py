"""Student's t distribution in pure Python, exact for the one or two degrees of freedom of a small
study: tails by the incomplete beta function (Numerical Recipes Sec. 6.4), quantiles by bisection.
"""

import functools
import math

CONTINUED_FRACTION_TERMS = 10_000


@functools.lru_cache(maxsize=1024)
def student_t_quantile(p: float, df: float) -> float:
    """Return the t with P(T <= t) = p for Student's t distribution with `df` degrees of freedom.

    >>> round(student_t_quantile(0.975, 2), 3)
    4.303

    Raises:
        ValueError: p is not in (0, 1) or df is not positive.
    """
    if not 0.0 < p < 1.0 or not df > 0.0:
        raise ValueError(f"p must be in (0, 1) and df positive, got p={p} and df={df}")
    if p == 0.5:
        return 0.0
    tail = min(p, 1.0 - p)
    low, high = 0.0, 1.0
    while upper_tail(high, df) > tail:
        low, high = high, 2.0 * high
    while high - low > 1e-14 * high:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if upper_tail(middle, df) > tail else (low, middle)
    quantile = 0.5 * (low + high)
    return quantile if p > 0.5 else -quantile


def upper_tail(t: float, df: float) -> float:
    """Return P(T > t) for t >= 0, for Student's t distribution with `df` degrees of freedom.

    >>> round(upper_tail(2.0, 2), 4)
    0.0918
    """
    return 0.5 * _incomplete_beta(df / (df + t * t), 0.5 * df, 0.5)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) (Numerical Recipes Eq. 6.4.1)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(x, a, b) / a
    return 1.0 - front * _beta_fraction(1.0 - x, b, a) / b


def _beta_fraction(x: float, a: float, b: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function by Lentz's method (Eq.
    6.4.5)."""
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, CONTINUED_FRACTION_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / (1.0 + term * d)
            c = 1.0 + term / c
            value *= c * d
        if abs(c * d - 1.0) < 1e-16:
            break
    return value
