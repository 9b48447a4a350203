"""Seeds: derived from a root and names, so that no counter or clock decides a result."""

import hashlib
import json


def derive_seed(root: int, *names: str | int) -> int:
    """Return the seed in [0, 2**32) that belongs to `names` under `root`.

    Equal arguments give equal seeds in every process and on every machine; any other name
    gives an unrelated one. 32 bits, because numpy's and scikit-learn's seeds hold no more.
    """
    text = json.dumps([root, *names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
