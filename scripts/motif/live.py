"""Print what the campaigns `live*.toml` say: scores, least errors, operations delivered (`docs/motif-live.md`).

mobench run scripts/motif/live.toml --workers 2
python scripts/motif/live.py results/motif-live
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from mobench import load
from mobench.campaigns.study import read_study, run_state
from mobench.problems._cells.space import OPERATIONS, live

BUDGETS = (1, 2)
"""In full trainings, on the way to the end."""


def facts(folder: Path) -> dict[str, float]:
    """Measure a run: scores on the way and at the end, networks delivered, their live operations in per cent."""
    result = load(folder)
    curve = result.curve(axis="trainings")
    scores = {f"at {b}": curve["hypervolume"][curve["trainings"] <= b].iloc[-1:].sum() for b in BUDGETS}
    operations = live(result.delivered())
    edges = max(int((operations > 0).sum()), 1)
    shares = {name: 100.0 * (operations == op).sum() / edges for op, name in enumerate(OPERATIONS) if op}
    scores["at the end"] = result.hypervolume()
    front = result.front()
    least = front["error"].min() if len(front) else 100.0
    return scores | {"least error": least, "networks": len(front), "tau": result.one_shot_tau(), **shares}


def main() -> None:
    """Print medians over the seeds, a row a searcher, the best first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaign", type=Path)
    study = read_study([parser.parse_args().campaign])
    ended = [(spec, folder) for spec, folder in study.runs if run_state(folder) == "ended"]
    rows = pd.DataFrame([{"searcher": spec.searcher_label, **facts(folder)} for spec, folder in ended])
    grouped = rows.groupby("searcher")
    table = grouped.median().sort_values("at the end", ascending=False)
    table.insert(0, "seeds", grouped.size())
    with pd.option_context("display.width", 200, "display.max_columns", 20):
        print(table.round(2))
    final = rows["at the end"].groupby(rows["searcher"]).agg([np.min, np.max])
    print(final.loc[table.index].round(2))


if __name__ == "__main__":
    main()
