"""SpikeNAS-Bench: logs in the published form, the coding of cells, and what happens when logs are not right."""

import numpy as np
import pytest

from mobench import Enumerable, MultiFidelity, make_problem
from mobench.problems.tables import spikenas
from mobench.testing import assert_passes, check_problem

CONVOLUTION = 738_048
"""Parameters of one operation with a convolution, in both cells of the CIFAR-10 network."""
KNOWN = {0: 17_179_620, 1: 17_179_620, 7_812: 21_607_908, 10_000: 17_917_668, 14_862: 21_607_908, 15_624: 21_607_908}
"""Parameters that the published logs give."""


def log(number, *, epochs=100, test=80.0, params=1, rate=0.1, tiny=False):
    """A training's log in the published form; validation accuracy after epoch e is e / 2."""
    five = "train_acc,train_top5, train_loss, val_acc, val_top5, val_loss"
    head = five if tiny else "train_acc, train_loss, val_acc, val_loss"
    top = ", 99.000" if tiny else ""
    lines = [f"{e - 1}.000, 50.000{top}, 1.000, {e / 2:.3f}{top}, 2.000" for e in range(1, epochs + 1)]
    end = f"test top1: {test:.3f}, test tpo5: 74.3" if tiny else f"test accuracy: {test:.3f}"
    rates = ", ".join(["-1.000"] * 12 + ["0.300"] * 3 + [f"{rate:.3f}"])
    return "\n".join(
        [
            f"architecture id: {number}",
            f"model parameters: {params}",
            f"epoch, {head}",
            *lines,
            end,
            f"firing rate of layers: {rates}",
            "Elapsed time: 1.0hour7.0minute40.0second\n",
        ]
    )


def write(folder, number, text):
    path = folder / str(number) / "train_process.txt"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


@pytest.fixture
def logs(tmp_path):
    """A few hundred cells of CIFAR-10."""
    rng = np.random.default_rng(1)
    for number in range(0, spikenas.ROWS, 61):
        text = log(number, test=rng.uniform(10, 90), params=rng.integers(1, 100) * 10**5, rate=rng.random())
        write(tmp_path / "data" / "CIFAR10", number, text)
    return tmp_path


@pytest.mark.parametrize("number", KNOWN)
def test_published_parameters_are_those_of_the_decoded_cells(number):
    digits = [int(d) for d in np.base_repr(number, 5).zfill(6)]
    assert KNOWN[number] == KNOWN[0] + CONVOLUTION * sum(d >= 2 for d in digits)


def test_some_logs_make_a_pool_of_their_cells(logs):
    assert spikenas.add_data(logs) == ["CIFAR10: 257 of 15,625 architectures"]
    problem = spikenas.problem()
    assert problem.space.size == 257
    labels = [objective.label for objective in problem.objectives]
    assert labels == ["error [%]", "params [M]", "firing_rate [spikes/step]"]
    X = problem.space.all()
    numbers = X @ 5 ** np.arange(5, -1, -1)
    np.testing.assert_array_equal(numbers, range(0, spikenas.ROWS, 61))
    assert problem.decode(X[:1]) == ["3<-2=none 3<-1=none 2<-1=none 3<-0=none 2<-0=none 1<-0=none"]
    assert isinstance(problem, Enumerable)
    assert isinstance(problem, MultiFidelity)


def test_a_later_import_is_seen_by_the_same_process(logs):
    spikenas.add_data(logs)
    before = make_problem("spikenas")
    assert make_problem("spikenas") is before
    write(logs / "data" / "CIFAR10", 1, log(1))
    spikenas.add_data(logs)
    assert make_problem("spikenas").space.size == before.space.size + 1


def test_the_imported_problem_passes_the_conformance_kit(logs):
    spikenas.add_data(logs)
    assert_passes(check_problem("spikenas"))


def test_all_cells_make_the_whole_grid(tmp_path, own_data):
    from mobench import Column, Table, save_table

    rng = np.random.default_rng(2)
    columns = {f"cifar10/{key}": Column(rng.random(spikenas.ROWS) + 1) for key in spikenas.COLUMNS}
    columns["cifar10/valid"] = Column(rng.random((spikenas.ROWS, 4)))
    save_table(own_data / spikenas.FILE, Table(columns))
    problem = spikenas.problem()
    assert problem.space.pool is None
    X = problem.space.all()
    np.testing.assert_array_equal(problem.score(X)[:, 0], 100 - columns["cifar10/test"].values)


def test_validation_is_seen_at_each_early_stop_for_its_share_of_the_time_and_test_is_scored(tmp_path):
    write(tmp_path / "CIFAR10", 0, log(0, test=77.0))
    write(tmp_path / "CIFAR10", 1, log(1, epochs=200))
    spikenas.add_data(tmp_path)
    problem = spikenas.problem(objectives=("error",))
    X = problem.space.all()
    assert problem.fidelities == (10, 40, 60, 100)
    for epochs in (10, 40, 60):
        values = problem.evaluate(X, fidelity=epochs)
        np.testing.assert_allclose(values.F[:, 0], 100 - epochs / 2)
        np.testing.assert_allclose(values.seconds, (4060 * epochs / 100, 4060 * epochs / 200))
    np.testing.assert_allclose(problem.evaluate(X).F[:, 0], (50, 0))
    np.testing.assert_allclose(problem.evaluate(X).seconds, 4060)
    assert problem.score(X)[0, 0] == 23.0


def test_logs_with_five_best_classes_are_read_by_their_header(tmp_path):
    write(tmp_path / "TinyImagenet", 10_938, log(10_938, tiny=True, test=50.75))
    assert spikenas.add_data(tmp_path) == ["TinyImagenet: 1 of 15,625 architectures"]
    problem = spikenas.problem(dataset="tinyimagenet", objectives=("error", "params"))
    X = problem.space.all()
    assert problem.evaluate(X).F[0, 0] == 50.0
    assert problem.score(X)[0, 0] == 49.25


def test_imports_add_up_and_are_described(tmp_path):
    assert spikenas.describe_data()[0].startswith("cifar10      missing; its training logs are in github.com/tju")
    for number in (3, 4):
        folder = tmp_path / str(number)
        write(folder / "CIFAR10", number, log(number))
        spikenas.add_data(folder / "CIFAR10")
    assert spikenas.describe_data()[0] == "cifar10      partial: 2 of 15,625 architectures"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:400],
        lambda text: text.replace("id: 5", "id: 6"),
        lambda text: text.replace("test accuracy: ", "test accuracy: -"),
        lambda text: "",
    ],
)
def test_a_damaged_log_is_named_and_nothing_is_imported(damage, tmp_path, own_data):
    path = write(tmp_path / "CIFAR10", 5, damage(log(5)))
    with pytest.raises(ValueError, match=f"{path}: not a log of SpikeNAS-Bench"):
        spikenas.add_data(tmp_path)
    assert not (own_data / spikenas.FILE).exists()


def test_a_log_of_too_few_epochs_is_named(tmp_path):
    write(tmp_path / "CIFAR10", 5, log(5, epochs=40))
    with pytest.raises(ValueError, match="40 epochs, expected 100 or 200"):
        spikenas.add_data(tmp_path)


def test_a_folder_without_logs_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no SpikeNAS-Bench logs, CIFAR10/CIFAR100/TinyImagenet/NUMBER"):
        spikenas.add_data(tmp_path)


def test_without_an_import_the_cure_is_named():
    with pytest.raises(ValueError, match=r"no training of cifar100 is imported; get github.com/tju-sun-lab.*data add"):
        spikenas.problem(dataset="cifar100")


def test_an_objective_twice_is_refused():
    with pytest.raises(ValueError, match="expected each name once, found error, error"):
        spikenas.problem(objectives=("error", "error"))
