"""Published values of tuning: the ridge meets them all, the page shows them, and searchers find the optimum."""

import importlib.util
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)
ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("published_tuning", ROOT / "benchmarks" / "published_tuning.py")
published = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(published)
PAGE = (ROOT / "docs" / "problems" / "tuning" / "tuning.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", published.values(), ids=lambda row: f"{row.l:g}")
def test_the_ridge_of_the_problems_has_the_published_values(row):
    weights, error, slope = published.GOLDEN[row.l]
    if weights is not None:
        assert row.weights == pytest.approx(weights, abs=5e-7)
    assert (row.error, row.slope) == pytest.approx((error, slope), abs=1e-6)


def test_the_page_shows_what_the_benchmark_prints():
    lines = published.shown(published.values())
    assert len(lines) == 2 + len(published.GOLDEN)
    assert "\n".join(lines) in PAGE


@pytest.mark.long
@pytest.mark.parametrize("searcher", published.SEARCHERS)
def test_the_optimum_is_found_as_the_page_says(searcher):
    l, error, passes = published.found(searcher)  # noqa: E741
    assert l == pytest.approx(published.OPTIMUM[0], abs=0.015)
    assert error == pytest.approx(published.OPTIMUM[1], abs=4e-5)
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{searcher}` | `steps=")]
    assert line.endswith(f"| {passes:,.0f} |")
