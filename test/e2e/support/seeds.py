"""Which seeds the random tests run.

SYNCHDB_RANDOM_SEED runs one again, or several such as 7-40;
SYNCHDB_RANDOM_SEEDS says how many to run.
"""

import os


def seeds(count):
    """That many, unless the environment says otherwise."""
    chosen = os.environ.get("SYNCHDB_RANDOM_SEED")
    if chosen is None:
        return range(1, int(os.environ.get("SYNCHDB_RANDOM_SEEDS", count)) + 1)
    first, _, last = chosen.partition("-")
    return range(int(first), int(last or first) + 1)
