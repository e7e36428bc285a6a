"""Checkpoints hold arrays of any kind, and a forged one is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mobench.harness.checkpoint import load_checkpoint, save_checkpoint

STATES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a number of numpy": {"one": np.float32(2.0)},
    "an empty array": {"none": np.empty((0, 3), np.int16), "all": np.eye(3)},
    "any order": {"text": np.arange(6).reshape(2, 3).T, "arrays": np.array([True, False]), "z": np.array([1j])},
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_arrays_come_back_as_they_were(tmp_path: Path, state: dict[str, Any]) -> None:
    save_checkpoint(tmp_path / "checkpoint.npz", {"lines": 1}, state)
    header, found = load_checkpoint(tmp_path / "checkpoint.npz")
    assert header == {"lines": 1}
    assert list(found) == list(state)
    for name, array in state.items():
        assert found[name].dtype == array.dtype
        assert found[name].flags.writeable
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize("layout", ['{"w":["<i8",[3]]}', '{"w":["<i8",[5]]}', '{"w":["|O",[4]]}', '{"w":[1,2]}', "[]"])
def test_another_layout_than_the_bytes_have_is_damage(tmp_path: Path, layout: str) -> None:
    save_checkpoint(tmp_path / "checkpoint.npz", {}, {"w": np.arange(4)})
    with np.load(tmp_path / "checkpoint.npz") as file:
        members: dict[str, Any] = dict(file)
    forged = members["text"].tobytes().replace(b'{"w":["<i8",[4]]}', layout.encode())
    assert forged != members["text"].tobytes()
    np.savez(tmp_path / "checkpoint.npz", **members | {"text": np.frombuffer(forged, np.uint8)})
    with pytest.raises(ValueError, match="damaged checkpoint"):
        load_checkpoint(tmp_path / "checkpoint.npz")
