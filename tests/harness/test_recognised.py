"""What was answered before is recognised, one question at a time or many together, as a dictionary would."""

import numpy as np
import pytest

from mobench.core.budget import Cost
from mobench.harness.answers import BLOCK, Memory, addresses
from mobench.harness.ledger import Ledger


@pytest.mark.parametrize("below", [0, 40])
@pytest.mark.parametrize("seed", range(30))
def test_rows_are_those_of_the_first_question_of_each_key(seed, below):
    rng, memory, known = np.random.default_rng(seed), Memory(1, below), {}
    for _ in range(20):
        keys = rng.integers(0, 40, int(rng.integers(0, 12))).tolist()
        rows, new = memory.recognise(np.array(keys, dtype=np.int64))
        expected_new = []
        for place, key in enumerate(keys):
            if key not in known:
                known[key] = len(known)
                expected_new.append(place)
        assert rows.tolist() == [known[key] for key in keys]
        assert new.tolist() == expected_new
        answered = len(new) if rng.random() < 0.7 else int(rng.integers(0, len(new) + 1))
        memory.add(np.zeros((answered, 1)))
        memory.settle()
        known = dict(list(known.items())[: memory.n])


def test_addresses_do_not_depend_on_how_many_are_drawn_together():
    whole = addresses(7, BLOCK - 30, 100)
    parts = [addresses(7, BLOCK - 30 + i, 1) for i in range(100)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    with pytest.raises(ValueError, match="read-only"):
        addresses(7, 0, 3)[0] = 0


def test_totals_are_sums_whether_there_is_a_price_each_or_one():
    ledger = Ledger(Cost(*[np.inf] * 5))
    ledger.charge(3, {"flops": np.array([1.0, 2.0, 4.0]), "seconds": np.array(0.5)})
    ledger.charge(1, {"flops": np.array([8.0]), "seconds": np.array([0.25])})
    ledger.ask(6)
    assert ledger.spent == Cost(evaluations=4, asked=6, flops=15.0, seconds=1.75)
    assert ledger.spent is ledger.spent
