"""The surrogate in files: it comes back, repeats to the byte, and damage is named."""

import numpy as np
import pytest

from nago.records import RecordError
from nago.search.surrogate_file import read_surrogate, write_surrogate

SURROGATE = {
    "method": "mobo",
    "observations": 3,
    "model": {"rhat": [1.01, None]},
    "arrays": {"samples": np.arange(6, dtype=np.float64).reshape(2, 3), "seen": np.array([1, 2])},
}


def test_values_and_arrays_come_back(tmp_path):
    write_surrogate(tmp_path / "surrogate.json", SURROGATE)
    found = read_surrogate(tmp_path / "surrogate.json")
    arrays = found.pop("arrays")
    assert found == {name: value for name, value in SURROGATE.items() if name != "arrays"}
    assert set(arrays) == {"samples", "seen"}
    for name, array in SURROGATE["arrays"].items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def test_one_without_arrays_is_a_json_file_alone(tmp_path):
    write_surrogate(tmp_path / "surrogate.json", {"method": "bohb"})
    assert read_surrogate(tmp_path / "surrogate.json") == {"method": "bohb"}
    assert [path.name for path in tmp_path.iterdir()] == ["surrogate.json"]


def test_equal_surrogates_give_equal_bytes(tmp_path):
    for folder in "ab":
        write_surrogate(tmp_path / folder / "surrogate.json", SURROGATE)
    for name in ("surrogate.json", "surrogate.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("kept", [0, 10, 200])
def test_a_file_that_was_cut_off_is_named(kept, tmp_path):
    write_surrogate(tmp_path / "surrogate.json", SURROGATE)
    arrays = tmp_path / "surrogate.npz"
    arrays.write_bytes(arrays.read_bytes()[:kept])
    with pytest.raises(RecordError, match=r"surrogate\.npz is damaged"):
        read_surrogate(tmp_path / "surrogate.json")
