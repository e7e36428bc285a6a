"""C-10/MOP5 to 7 of EvoXBench, stated on NAS-Bench-201 where HW-NAS-Bench's table is imported (numbers of ours)."""

import pickle
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mobench import make_campaign, make_problem
from mobench.plugins.references import parse_reference
from mobench.problems._cells.space import all_cells, to_strings
from mobench.problems._nasbench201 import readers
from mobench.problems.tables import nasbench201
from mobench.scoring.contract import contract_for

CAMPAIGNS = Path(__file__).parents[3] / "docs" / "campaigns"
MEASURED = ("edgegpu_latency", "edgegpu_energy", "eyeriss_latency", "eyeriss_energy", "eyeriss_arithmetic_intensity")
OTHER = "fpga_energy"
COSTS = ["error", "params", "flops"]
EDGE_GPU = ["latency:edgegpu", "energy:edgegpu"]
EYERISS = ["latency:eyeriss", "energy:eyeriss", "arithmetic_intensity:eyeriss"]


@pytest.fixture
def tables(tmp_path):
    """Accuracies of ours in the CSVs' form and measurements of ours in HW-NAS-Bench's."""
    strings, rng = to_strings(all_cells()), np.random.default_rng(7)
    accuracies = {name: rng.uniform(10, 95, len(strings)) for name in (*readers.CSV_200, *readers.CSV_12)}
    for name, key, headers in (("a", "ArchitectureString", readers.CSV_200), ("b", "cellstr", readers.CSV_12)):
        columns = {key: strings} | {header: accuracies[header] for header in headers}
        pd.DataFrame(columns).to_csv(tmp_path / f"{name}.csv", index=False)
    measured = {name: rng.uniform(1, 2, len(strings)).tolist() for name in (*MEASURED, OTHER)}
    content = {"nasbench201": {"cifar10": {"config": [{"arch_str": s} for s in strings], **measured}}}
    (tmp_path / "HW-NAS-Bench-v1_0.pickle").write_bytes(pickle.dumps(content))
    nasbench201.add_data(tmp_path, progress=False)


def campaign(number):
    return tomllib.loads((CAMPAIGNS / f"c10mop{number}.toml").read_text())


@pytest.mark.parametrize(
    ("number", "population", "objectives"),
    [(5, 126, COSTS + EDGE_GPU), (6, 132, COSTS + EYERISS), (7, 156, COSTS + EDGE_GPU + EYERISS)],
)
def test_campaigns_have_the_objectives_populations_and_budget_of_the_paper(number, population, objectives):
    entries = campaign(number)
    (problem,) = entries["problems"]
    assert parse_reference(problem)[1] == {"objectives": objectives, "epochs": 200, "noise": True}
    assert all(searcher.endswith(f":population={population}") for searcher in entries["searchers"])
    assert (entries["seeds"], entries["budget"], entries["contract"]) == (31, 10_000, "evoxbench")


@pytest.mark.parametrize("objectives", [COSTS + EDGE_GPU, COSTS + EYERISS])
@pytest.mark.usefixtures("tables")
def test_bounds_are_the_extremes_of_the_front_as_in_the_papers_code(objectives):
    problem = make_problem("nasbench201", {"objectives": objectives})
    F = problem.front()[1]
    contract = contract_for(problem, "evoxbench")
    np.testing.assert_allclose(contract.ideal, F.min(axis=0))
    np.testing.assert_allclose(contract.ideal + contract.span, F.max(axis=0))
    assert contract.reference == 1.0


@pytest.mark.usefixtures("tables")
def test_objectives_of_other_devices_have_no_bounds():
    with pytest.raises(ValueError, match="contract 'evoxbench': no bounds for cifar10 and error, energy:fpga; it has"):
        make_problem("nasbench201", {"objectives": ["error", "energy:fpga"]}).bounds("evoxbench")


@pytest.mark.usefixtures("tables")
def test_the_largest_campaign_can_be_run():
    assert make_campaign(campaign(7)).contract == "evoxbench"
