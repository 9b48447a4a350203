"""Seeds: the same for the same names everywhere, unrelated for others."""

import hashlib
import os
import random
import subprocess
import sys

import numpy as np
from scipy.stats import chisquare

from nago.seeds import derive_seed


def test_a_seed_is_the_first_32_bits_of_the_hash_of_root_and_names():
    digest = hashlib.sha256(b'[0, "trial", 1, 2]').hexdigest()
    assert derive_seed(0, "trial", 1, 2) == int(digest[:8], 16)
    assert derive_seed(0, "trial", 1, 2) == 0x825726A9  # by sha256sum


def test_a_seed_is_the_same_in_other_processes_and_after_other_draws():
    code = "from nago.seeds import derive_seed; print(derive_seed(7, 'weights', 3))"
    random.seed(5)
    for hash_seed in ("0", "1", "random"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        printed = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, check=True
        ).stdout
        assert int(printed) == derive_seed(7, "weights", 3)
    state = random.Random(5).getstate()
    assert random.getstate() == state


def test_names_are_not_confused():
    seeds = [
        derive_seed(0),
        derive_seed(1),
        derive_seed(0, 1),
        derive_seed(0, "1"),
        derive_seed(0, "a", "b"),
        derive_seed(0, "b", "a"),
        derive_seed(0, "ab"),
        derive_seed(0, 'a", "b'),
        derive_seed(0, 11),
        derive_seed(0, 1, 1),
    ]
    assert len(set(seeds)) == len(seeds)


def test_neighbouring_names_give_seeds_spread_evenly_over_32_bits():
    seeds = np.array([derive_seed(0, "trial", slot) for slot in range(20_000)])
    assert seeds.min() >= 0
    assert seeds.max() < 2**32
    assert len(set(seeds.tolist())) >= 20_000 - 2  # 0.05 pairs are expected
    for shift in (0, 12, 24):
        counts = np.bincount((seeds >> shift) & 255, minlength=256)
        assert chisquare(counts).pvalue > 1e-3
