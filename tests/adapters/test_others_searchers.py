"""Others' searchers, as docs/adapters writes them: they keep the rules, and ask what their library asks by itself."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import mobench
from mobench.testing import assert_passes, check_searcher

pytestmark = pytest.mark.long

PAGES = Path(__file__).parents[2] / "docs" / "adapters"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("adapters")


def adapter(name, folder):
    """The file of the page `name`, written out."""
    pytest.importorskip(name, reason=f"{name} is not installed: pip install 'mobench[adapters]'")
    (text,) = re.findall(rf"```python\n(# {name}_search\.py\n.*?)```", (PAGES / f"{name}.md").read_text("utf-8"), re.S)
    path = folder / f"{name}_search.py"
    path.write_text(text)
    return path


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


TORCH = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # linear_operator uses it


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pymoo", {"population": 8}),  # more would be nearly all of the smallest space
        pytest.param("pymoo", {"algorithm": "age", "population": 8}, marks=pytest.mark.slow),
        ("optuna", {"sampler": "random"}),
        pytest.param("optuna", {"sampler": "nsgaii"}, marks=pytest.mark.slow),
        pytest.param("optuna", {"sampler": "tpe"}, marks=pytest.mark.slow),
        ("scipy", {}),
        pytest.param(
            "botorch", {"initial": 50, "batch": 10, "acquisition": "qnparego"}, marks=[pytest.mark.slow, TORCH]
        ),
    ],
)
def test_an_adapter_keeps_the_rules(name, options, folder):
    assert_passes(check_searcher(adapter(name, folder), options=options, seconds=400))


def test_pymoo_asks_what_it_asks_by_itself(folder):
    from pymoo.optimize import minimize

    pymoo = module(adapter("pymoo", folder))
    catsum = mobench.make_problem("catsum", {})
    run = mobench.run(pymoo.search, catsum, budget=200, seed=3)
    seed = int(np.random.default_rng([3, 0]).integers(2**31))
    operators = {"sampling": pymoo.IntegerRandomSampling(), "crossover": pymoo.UniformCrossover()}
    alone = pymoo.SPEA2(pop_size=20, mutation=pymoo.Reset(prob=1.0), **operators)
    result = minimize(mobench.as_pymoo(catsum), alone, ("n_eval", 100), seed=seed, save_history=True)
    asked = np.concatenate([(step.pop if step.off is None else step.off).get("X") for step in result.history])
    _, first = np.unique(asked, axis=0, return_index=True)
    np.testing.assert_array_equal(run.history.X[: len(first)], asked[np.sort(first)])


@pytest.mark.parametrize("sampler", ["tpe", "nsgaii", "random"])
def test_optuna_asks_what_it_asks_by_itself(sampler, folder):
    optuna = module(adapter("optuna", folder)).optuna
    search = module(folder / "optuna_search.py").search
    lotz = mobench.make_problem("lotz", {"bits": 12})
    run = mobench.run(search, lotz, budget=25, seed=5, sampler=sampler)

    def objective(trial):
        x = np.array([[trial.suggest_categorical(name, [0, 1]) for name in lotz.space.names]])
        return (-lotz.score(x)[0]).tolist()

    kind = {"tpe": "TPESampler", "nsgaii": "NSGAIISampler", "random": "RandomSampler"}[sampler]
    seeded = getattr(optuna.samplers, kind)(seed=int(np.random.default_rng([5, 0]).integers(2**31)))
    study = optuna.create_study(sampler=seeded, directions=["minimize"] * 2)
    study.optimize(objective, n_trials=60)
    asked = list(dict.fromkeys(tuple(trial.params.values()) for trial in study.trials))[:25]
    assert [tuple(x) for x in run.history.X.tolist()] == asked


@TORCH
@pytest.mark.parametrize("acquisition", ["qnehvi", "qnparego"])
def test_botorch_learns(acquisition, folder):
    """On CatSum 15 answers after 15 random ones find more than 40 random ones mostly do."""
    search = module(adapter("botorch", folder)).search
    found = mobench.run(search, "catsum", budget=30, seed=1, initial=15, acquisition=acquisition)
    chance = [mobench.run("random_search", "catsum", budget=40, seed=seed).hypervolume() for seed in range(10)]
    assert found.hypervolume() > np.median(chance)
    assert len(np.unique(found.history.X, axis=0)) == 30
