"""The front door: light, whole, and the one list of its names."""

import subprocess
import sys

import pytest

import mobench


def loaded(code, *libraries):
    """Which of these libraries a fresh process has loaded after some code."""
    code = f"import sys, mobench; {code}; print([name for name in {libraries!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_the_front_door_is_light():
    assert loaded("pass", "torch", "pymoo", "pandas", "matplotlib", "numpy", "scipy") == "[]"


def test_a_table_search_needs_neither_torch_nor_pandas():
    search = "mobench.run('nsga2', 'catsum', budget=100).hypervolume()"
    assert loaded(search, "torch", "pymoo", "pandas", "matplotlib") == "[]"


def test_the_front_door_offers_what_it_promises():
    assert {"Run", "Space", "run", "__version__"} <= set(mobench.__all__)
    for name in {*dir(mobench), *mobench.__all__}:
        assert getattr(mobench, name) is not None


def test_a_name_that_it_does_not_have_is_refused():
    with pytest.raises(AttributeError, match="No mobench attribute nonsense"):
        mobench.nonsense  # noqa: B018
