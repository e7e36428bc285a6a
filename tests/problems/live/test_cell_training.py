"""Cells trained live: what a training is, what it costs, what is seen and what is scored."""

import dataclasses
import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

import mobench
from mobench import Cost, load_table, make_problem
from mobench.analysis.verification import check_run
from mobench.harness.door import Run
from mobench.harness.execute import execute
from mobench.harness.log import Log
from mobench.harness.spec import RunSpec
from mobench.problems._cells import space as cell
from mobench.problems._cells import training, trainings
from mobench.problems._cells.network import Network
from mobench.problems._images import datasets
from mobench.problems.live import cell_training

pytest.importorskip("sklearn", reason="scikit-learn's digits are the images of these tests")

TINY = {"dataset": "digits", "channels": 1, "cells": 1, "stages": 1, "epochs": 2, "batch": 250}
MIXED, SKIPS, NOTHING = [3, 1, 0, 2, 3, 4], [1] * 6, [0] * 6


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make(**options):
    return cell_training.problem(**(TINY | options))


def test_weights_are_those_of_motifs_table():
    path = Path(__file__).parents[3] / "scripts" / "motif" / "trainer.py"
    spec = importlib.util.spec_from_file_location("motif_trainer_again", path)
    trainer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(trainer)
    for genes in (MIXED, SKIPS, [2, 1, 4, 3, 0, 2]):
        network = training.draw_network(genes, trainer.SKELETON, seed=3, row=77)
        found = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
        np.testing.assert_array_equal(found, trainer.initial_weights(genes, seed=3, row=77))


def test_a_training_is_the_recipe_written_out():
    """Nesterov SGD with weight decay by hand, cosine by step, images in the order of the address."""
    data, skeleton = datasets.load_dataset("digits"), cell.Skeleton(1, 8, 10, channels=2, cells=1, stages=2)
    recipe = training.Recipe(epochs=2, batch=300)
    found = training.train(MIXED, skeleton, data, recipe, seed=5, row=9)
    network = training.draw_network(MIXED, skeleton, seed=5, row=9)
    speed = [torch.zeros_like(p) for p in network.parameters()]
    order, step, errors = np.random.default_rng([5, 2, 9]), 0, []
    for _ in range(2):
        network.train()
        for rows in np.split(order.permutation(1000), 4):
            images = data.normalise(data.train.images[rows])
            loss = functional.cross_entropy(network(images), data.train.labels[rows])
            gradients = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)
            rate = 0.05 * (1 + math.cos(math.pi * step / 8))
            with torch.no_grad():
                for p, v, g in zip(network.parameters(), speed, gradients, strict=True):
                    if g is not None:
                        g = g + 5e-4 * p
                        v.mul_(0.9).add_(g)
                        p.sub_(rate * (g + 0.9 * v))
            step += 1
        network.eval()
        with torch.no_grad():
            wrong = network(data.normalise(data.valid.images)).argmax(dim=1) != data.valid.labels
        errors.append(100 * float(wrong.double().mean()))
    np.testing.assert_allclose(found.valid, errors, atol=0.6)  # two images of 397: sums run in another order
    assert found.seconds[1] > found.seconds[0] > 0


def test_a_network_learns_the_digits():
    data, skeleton = datasets.load_dataset("digits"), cell.Skeleton(1, 8, 10, channels=4, cells=1, stages=2)
    trained = training.train([3, 1, 3, 1, 1, 3], skeleton, data, training.Recipe(epochs=6, batch=32), seed=0, row=0)
    assert trained.valid[-1] < 8
    assert trained.test < 8
    assert trained.valid[0] > trained.valid[-1]


def test_equal_addresses_give_equal_trainings_and_the_global_state_stays():
    data, skeleton = datasets.load_dataset("digits"), cell.Skeleton(1, 8, 10, channels=1, cells=1, stages=1)
    recipe, before, threads = (
        training.Recipe(epochs=2, batch=500),
        torch.random.get_rng_state(),
        torch.get_num_threads(),
    )
    first, again, other = (training.train(MIXED, skeleton, data, recipe, seed=s, row=4) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.valid, again.valid)
    assert first.test == again.test
    assert not np.array_equal(first.valid, other.valid)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_the_beginning_of_a_training_is_the_training_stopped_early():
    data, skeleton = datasets.load_dataset("digits"), cell.Skeleton(1, 8, 10, channels=1, cells=1, stages=1)
    recipe = training.Recipe(epochs=3, batch=500)
    whole = training.train(MIXED, skeleton, data, recipe, seed=0, row=0)
    part = training.train(MIXED, skeleton, data, recipe, seed=0, row=0, epochs=2)
    np.testing.assert_array_equal(part.valid, whole.valid[:2])
    assert math.isnan(part.test)
    assert not math.isnan(whole.test)


def test_memory_format_and_bfloat16_change_little():
    data, skeleton = datasets.load_dataset("digits"), cell.Skeleton(1, 8, 10, channels=4, cells=1, stages=1)
    plain, other = (
        training.train(
            [3] * 6, skeleton, data, training.Recipe(epochs=4, batch=50, channels_last=b, autocast=b), seed=0, row=0
        )
        for b in (False, True)
    )
    assert abs(plain.valid[-1] - other.valid[-1]) < 6


def test_crops_and_flips_are_those_of_the_definition():
    images = torch.arange(1, 2 * 3 * 4 * 4 + 1, dtype=torch.uint8).reshape(2, 3, 4, 4)
    found = training.crops_and_flips(2)(images, np.random.default_rng(7))
    rng = np.random.default_rng(7)
    top, left = rng.integers(5, size=(2, 2))
    mirrored = rng.random(2) < 0.5
    for image, new, t, x, m in zip(images, found, top, left, mirrored, strict=True):
        cut = functional.pad(image, (2, 2, 2, 2))[:, t : t + 4, x : x + 4]
        assert torch.equal(new, cut.flip(2) if m else cut)
    many = torch.ones((4000, 1, 4, 4), dtype=torch.uint8)
    many[..., 0] = 9
    seen = training.crops_and_flips(1)(many, np.random.default_rng(0))
    whole = seen.flatten(1).bool().all(dim=1)
    assert float(whole.double().mean()) == pytest.approx(1 / 9, abs=0.02)
    assert float((seen[whole][:, 0, 0, 0] == 9).double().mean()) == pytest.approx(0.5, abs=0.08)


def test_augmentation_changes_a_training():
    data, skeleton = datasets.load_dataset("digits"), cell.Skeleton(1, 8, 10, channels=4, cells=1, stages=1)
    changed = dataclasses.replace(data, padding=2)
    plain, cropped = (
        training.train([3] * 6, skeleton, changed, training.Recipe(epochs=1, batch=50, augment=a), seed=0, row=0)
        for a in (False, True)
    )
    assert plain.valid[0] != cropped.valid[0]


def test_answers_are_validation_errors_and_exact_costs_at_their_price():
    problem = make(objectives=("error", "flops", "params"))
    X = np.array([MIXED, SKIPS])
    values = problem.evaluate(X)
    skeleton = cell.Skeleton(1, 8, 10, channels=1, cells=1, stages=1)
    macs, sizes = (count(cell.live(X), skeleton=skeleton) for count in (cell.flops, cell.params))
    np.testing.assert_allclose(values.F[:, 1], macs / 1e6)
    np.testing.assert_allclose(values.F[:, 2], sizes / 1e3)
    np.testing.assert_allclose(values.flops, macs * 3 * 1000 * 2)
    assert (values.seconds > 0).all()
    row = int(cell.functional_classes()[cell.index(X[:1])[0]])
    own = training.train(
        cell.all_cells()[row], skeleton, problem.trainings.data, problem.trainings.recipe, seed=0, row=row
    )
    assert values.F[0, 0] == own.valid[-1]
    assert problem.score(X)[0, 0] == own.test
    assert problem.training.flops == pytest.approx(problem._macs[cell.functional_classes()].mean() * 6000)


def test_a_shorter_training_costs_less_and_the_longer_one_goes_over_it():
    problem = make()
    X = np.array([MIXED])
    short, whole = problem.evaluate(X, fidelity=1), problem.evaluate(X)
    assert problem.fidelities == (1, 2)
    assert float(whole.flops[0]) == 2 * float(short.flops[0])
    assert problem.evaluate(X, fidelity=1).F[0, 0] == short.F[0, 0]
    with pytest.raises(ValueError, match="fidelity: expected 1 to 2 epochs, found 3"):
        problem.evaluate(X, fidelity=3)


@pytest.mark.parametrize("changes", [{}, {"autocast": True}, {"channels_last": True}])
def test_a_training_that_goes_on_is_the_training_that_was_never_interrupted(changes):
    data, skeleton = datasets.load_dataset("digits"), cell.Skeleton(1, 8, 10, channels=2, cells=1, stages=2)
    recipe = training.Recipe(epochs=4, batch=250, **changes)
    whole = training.train(MIXED, skeleton, data, recipe, seed=3, row=7)
    part = None
    for epochs in (1, 3, 4):
        part = training.train(MIXED, skeleton, data, recipe, seed=3, row=7, epochs=epochs, before=part)
        np.testing.assert_array_equal(part.valid, whole.valid[:epochs])
        assert (np.diff(part.seconds) > 0).all()
        assert (part.begun is None) == (epochs == 4)
    assert part.test == whole.test
    assert whole.begun is None


@pytest.mark.parametrize("damage", ["none", "cut", "gone"])
def test_epochs_are_trained_once_whoever_goes_on_and_again_where_the_checkpoint_is_lost(damage, own_data, monkeypatch):
    X, epochs = np.array([MIXED]), []
    error = training._error
    monkeypatch.setattr(training, "_error", lambda *a: epochs.append(a[2]) or error(*a))

    def trained():
        count = sum(len(part.labels) == datasets.DIGITS[1] for part in epochs)
        epochs.clear()
        return count

    first = make(epochs=3)
    assert first.resumable
    assert not make(noise=True).resumable
    short = first.evaluate(X, fidelity=1)
    assert trained() == 1
    (checkpoint,) = own_data.rglob("begun-*.npz")
    if damage == "cut":
        checkpoint.write_bytes(checkpoint.read_bytes()[:200])
    elif damage == "gone":
        checkpoint.unlink()
    other = make(epochs=3)  # another process
    longer = other.evaluate(X, fidelity=2)
    assert trained() == (1 if damage == "none" else 2)
    whole = other.evaluate(X)
    assert trained() == 1
    assert not list(own_data.rglob("begun-*.npz"))
    alone = training.train(
        MIXED,
        other.trainings.skeleton,
        other.trainings.data,
        other.trainings.recipe,
        seed=0,
        row=int(other._rows(X)[0]),
    )
    assert [short.F[0, 0], longer.F[0, 0], whole.F[0, 0]] == alone.valid.tolist()


def test_halving_pays_the_difference_and_verifies(tmp_path, own_data):
    spec = spec_of("successive_halving", budget={"evaluations": 8}, epochs=4)
    spec = RunSpec(**{**vars(spec), "searcher_options": {"eta": 2, "architectures": 4}})
    end = execute(spec, tmp_path)
    history, problem = mobench.load(tmp_path).history, make(epochs=4)
    longest = {}
    for x, epochs in zip(history.X, history.fidelity.tolist(), strict=True):
        longest[tuple(x)] = max(longest.get(tuple(x), 0), epochs or 4)
    whole = problem.evaluate(np.array(list(longest))).flops  # of 4 epochs
    assert end["spent"]["flops"] == (whole / 4 * list(longest.values())).sum()
    assert check_run(spec, tmp_path, slow=True).fault == ""


def test_cells_that_are_the_same_network_are_trained_once(monkeypatch):
    problem, made = make(), []
    train = training.train
    monkeypatch.setattr(trainings, "train", lambda *a, **k: made.append(k["row"]) or train(*a, **k))
    same = np.array([[3, 0, 0, 1, 0, 0], [3, 0, 0, 1, 4, 0], [0, 0, 0, 1, 3, 0]])
    assert len(np.unique(problem.space.key(same))) == 2
    F = problem.evaluate(same).F
    assert F[0].tolist() != []
    assert len(made) == 2
    problem.score(same)
    assert len(made) == 2


def test_a_training_made_on_this_machine_is_not_made_again(monkeypatch, own_data):
    X = np.array([MIXED, NOTHING])
    first = make()
    values, scored = first.evaluate(X), first.score(X)

    def never(*_, **__):
        raise AssertionError("a kept training was made again")

    monkeypatch.setattr(trainings, "train", never)
    again = make()
    kept = again.evaluate(X)
    np.testing.assert_array_equal(kept.F, values.F)
    np.testing.assert_array_equal(kept.seconds, values.seconds)
    np.testing.assert_array_equal(kept.flops, values.flops)
    np.testing.assert_array_equal(again.score(X), scored)
    with pytest.raises(AssertionError, match="made again"):
        make(batch=300).evaluate(X)  # another recipe is another training
    monkeypatch.undo()
    files = sorted(own_data.rglob("*.npz"))
    files[0].write_bytes(files[0].read_bytes()[:100])
    np.testing.assert_array_equal(make().evaluate(X).F, values.F)
    assert set(load_table(files[0]).columns) == {"valid", "test", "seconds"}


def test_with_noise_each_question_is_a_training_of_its_own():
    problem = make(noise=True, epochs=1)
    X = np.array([MIXED, MIXED])
    seeds = np.array([5, 2**64 - 1], dtype=np.uint64)
    F = problem.evaluate(X, seeds=seeds).F
    assert F[0, 0] != F[1, 0]
    np.testing.assert_array_equal(problem.evaluate(X[::-1], seeds=seeds[::-1]).F, F[::-1])
    assert not problem.deterministic
    np.testing.assert_array_equal(problem.score(X)[0], make(epochs=1).score(X)[1])
    with pytest.raises(ValueError, match="seeds: needed"):
        problem.evaluate(X)


def test_without_a_table_the_front_is_unknown_and_bounds_are_the_skeletons():
    problem = make()
    assert not isinstance(problem, mobench.Enumerable)
    low, high = problem.bounds("mobench-1")
    F = cell.flops(cell.all_cells()[cell.functional_classes()], skeleton=problem.trainings.skeleton) / 1e6
    np.testing.assert_allclose([low[1], high[1]], [F.min(), F.max()])
    assert (low[0], high[0]) == (0, 90)
    with pytest.raises(ValueError, match="contract 'modnas': no paper has bounds"):
        problem.bounds("modnas")


def test_motif_in_its_own_skeleton_is_scored_by_its_table():
    live, table = cell_training.problem(dataset="motif"), make_problem("motif", {"objectives": ["error", "flops"]})
    X = live.space.sample(np.random.default_rng(0), 200)
    np.testing.assert_array_equal(live.score(X), table.score(X))
    for found, expected in zip(live.front(), table.front(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert live.training.flops == pytest.approx(
        cell.flops(cell.all_cells()[cell.functional_classes()], skeleton=live.trainings.skeleton).mean() * 3 * 6144 * 12
    )
    assert cell_training.problem(dataset="motif", channels=2).truth is None


def test_fewer_and_smaller_images_are_another_smaller_problem():
    problem = make(images=100, size=4)
    data, whole = problem.trainings.data, make().trainings.data
    assert [tuple(getattr(data, part).images.shape) for part in ("train", "valid", "test")] == [(100, 1, 4, 4)] * 3
    means = whole.train.images.float().view(-1, 1, 4, 2, 4, 2).mean(dim=(3, 5))
    assert all((means == image).flatten(1).all(dim=1).any() for image in data.train.images[:5])
    assert float(data.normalise(data.train.images).mean()) == pytest.approx(0, abs=1e-5)
    macs = cell.flops(cell.live([MIXED]), skeleton=problem.trainings.skeleton)
    assert problem.trainings.skeleton.size == 4
    np.testing.assert_allclose(problem.evaluate(np.array([MIXED])).flops, macs * 3 * 100 * 2)
    assert problem.fingerprint != make(images=100).fingerprint != make().fingerprint
    charged = []
    network = problem.supernet(charge=charged.append, seed=0)
    p = functional.one_hot(torch.tensor(MIXED), 5).float()
    network.train_loss(network.initial_weights(), p, network.train_batch())
    assert charged[-1] == pytest.approx(100 * macs[0])  # no batch has more images


@pytest.mark.parametrize("reduced", [{"images": 500}, {"size": 4}])
def test_a_table_does_not_score_what_is_trained_on_other_images(reduced):
    assert cell_training.problem(dataset="motif", **reduced).truth is None


def test_nasbench201_scores_its_own_datasets_in_its_own_skeleton():
    from mobench.problems._images.files import OFFICIAL

    skeleton = cell.Skeleton(3, 32, 10)
    truth = cell_training._truth("cifar10", skeleton)
    table = make_problem("nasbench201", {"objectives": ["error"]})
    np.testing.assert_array_equal(truth, table.scored[:, 0])
    assert cell_training._truth("cifar10", cell.Skeleton(3, 32, 10, channels=8)) is None
    for name in ("cifar100", "ImageNet16-120"):
        o = OFFICIAL[name]
        assert cell_training._truth(name, cell.Skeleton(3, o.shape[1], o.classes)) is not None


def test_the_supernet_is_of_these_images_and_this_skeleton():
    problem, charged = make(objectives=("error", "flops", "params"), batch=50), []
    network = problem.supernet(charge=lambda flops: charged.append(flops), seed=0)
    p = functional.one_hot(torch.tensor(MIXED), 5).float()
    np.testing.assert_allclose(network.costs(p).numpy(), problem.score(np.array([MIXED]))[0, 1:], rtol=1e-5)
    charged.clear()
    network.train_loss(network.initial_weights(), p, network.train_batch())
    assert charged == [pytest.approx(50 * cell.flops(cell.live([MIXED]), skeleton=problem.trainings.skeleton)[0])]
    with pytest.raises(ValueError, match="a supernet needs the error first"):
        make(objectives=("flops", "error")).supernet(charge=lambda flops: None, seed=0)


def test_latency_is_measured_once_and_kept_with_its_context(own_data):
    problem = make(objectives=("error", "latency"), epochs=1)
    X = np.array([NOTHING, [3] * 6])
    F = problem.evaluate(X).F
    assert (F[:, 1] > 0).all()
    np.testing.assert_array_equal(problem.score(X)[:, 1], F[:, 1])
    np.testing.assert_array_equal(make(objectives=("latency", "error"), epochs=1).score(X)[:, 0], F[:, 1])
    low, high = problem.bounds("mobench-1")
    np.testing.assert_array_equal([low[1], high[1]], F[:, 1])
    kept = load_table(next(own_data.rglob("latency-*.npz")))
    assert kept["low"][0] <= kept["median"][0] <= kept["high"][0]
    assert {"repeats", "batch", "dtype", "device", "about"} <= set(kept.about)


def test_the_supernets_latency_is_a_measured_sum_over_operations(own_data):
    problem = make(objectives=("error", "latency"))
    before = torch.random.get_rng_state()
    network, again = (problem.supernet(charge=lambda flops: None, seed=seed) for seed in (0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    light, heavy = (functional.one_hot(torch.tensor(genes), 5).float() for genes in (NOTHING, [3] * 6))
    assert 0 < float(network.costs(light)[0]) < float(network.costs(heavy)[0])
    assert torch.equal(network.costs(heavy), again.costs(heavy))
    kept = load_table(next(own_data.rglob("latency.npz")))
    assert float(network.costs(heavy)[0]) == pytest.approx(kept["fixed"][0] + 6 * kept["operations"][3], rel=1e-5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"objectives": ("flops",)}, "expected error and other names, found flops"),
        ({"objectives": ("error", "error")}, "different names"),
        ({"objectives": ("error", "flop")}, "unknown 'flop', did you mean 'flops'"),
        ({"stages": 5}, "images of 8 pixels cannot be halved 4 times"),
        ({"stages": 2, "size": 5}, "images of 5 pixels cannot be halved 1 times"),
        ({"images": 0}, "images"),
        ({"augment": True}, "augments CIFAR and ImageNet16-120 only"),
        ({"device": "toaster"}, "device: 'toaster' cannot be used here"),
        ({"dataset": "cifar10"}, "cifar10: data_batch_1, .* are missing"),
    ],
)
def test_impossible_options_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        make(**options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"device: 'cuda' cannot be used here .*; use cpu"):
        make(device="cuda")


def test_images_of_another_shape_are_refused():
    data = datasets.load_dataset("digits")
    with pytest.raises(ValueError, match=r"digits: expected images of shape \(3, 8, 8\), found \(1, 8, 8\)"):
        training.train(MIXED, cell.Skeleton(3, 8, 10), data, training.Recipe(), seed=0, row=0)


def test_a_full_memory_is_a_line_that_names_the_cure(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.\nGPU 0 has 8 GiB")

    monkeypatch.setattr(Network, "forward", full)
    with pytest.raises(MemoryError, match=r"^cpu: out of memory; use a smaller batch or fewer channels$"):
        make().evaluate(np.array([MIXED]))
    monkeypatch.setattr(Network, "forward", lambda *_: torch.empty(2**60))  # the allocator itself refuses
    with pytest.raises(MemoryError, match="out of memory"):
        make().evaluate(np.array([MIXED]))
    monkeypatch.setattr(Network, "forward", lambda *_: torch.zeros(2) @ torch.zeros(3))
    with pytest.raises(RuntimeError, match="size"):
        make().evaluate(np.array([MIXED]))


def spec_of(searcher, *, budget, **options):
    return RunSpec("cell_training", searcher, 0, budget, TINY | options)


def test_a_run_out_of_memory_fails_with_that_reason_and_the_next_one_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(Network, "forward", lambda *_: torch.empty(2**60))
    spec = spec_of("random_search", budget={"evaluations": 1})
    end = execute(spec, tmp_path / "full")
    assert end["reason"] == "failed"
    assert end["error"] == "MemoryError: cpu: out of memory; use a smaller batch or fewer channels"
    monkeypatch.undo()
    assert execute(spec, tmp_path / "free")["reason"] == "budget: evaluations"


def test_a_run_answers_one_cell_at_a_time_and_makes_at_most_one_training_too_many(monkeypatch):
    problem, made = make(epochs=1), []
    train = training.train
    monkeypatch.setattr(trainings, "train", lambda *a, **k: made.append(k["row"]) or train(*a, **k))
    run = Run(problem, limit=Cost(flops=3.5 * problem.training.flops, evaluations=100, asked=1000, seconds=math.inf))
    X = problem.space.at(np.unique(cell.functional_classes())[::60])
    with pytest.raises(mobench.BudgetExhausted):
        run.evaluate(X)
    assert run.stopped == "flops"
    assert len(made) == run.spent.evaluations + 1 < 50
    assert run.spent.seconds > 0


def test_a_killed_run_goes_on_to_the_same_end(tmp_path, monkeypatch, own_data):
    spec = spec_of("nsga2", budget={"evaluations": 12}, epochs=1)
    whole = execute(RunSpec(**{**vars(spec), "searcher_options": {"population": 5}}), tmp_path / "whole")
    log = (tmp_path / "whole" / "log.jsonl").read_bytes()
    (tmp_path / "torn").mkdir()
    lines = log.splitlines(keepends=True)
    assert len(lines) > 8
    (tmp_path / "torn" / "log.jsonl").write_bytes(b"".join(lines[:7]) + lines[7][:10])
    end = execute(RunSpec(**{**vars(spec), "searcher_options": {"population": 5}}), tmp_path / "torn")
    assert end["spent"] == whole["spent"]
    with Log(tmp_path / "torn" / "log.jsonl") as again:
        assert len(again.past) == len(lines)
    assert (tmp_path / "torn" / "log.jsonl").read_bytes() == log


def test_a_one_shot_search_trains_its_finalists_and_is_scored_by_trainings_that_cost_nothing():
    result = mobench.run(
        "spos", make_problem("cell_training", TINY), budget={"trainings": 3.0, "asked": 1000}, batches=1, population=4
    )
    assert 1 <= len(result.history.X) <= 5
    before = result.history.spent["flops"]
    assert 0 < result.hypervolume() < 1
    assert result.history.spent["flops"] is before
    assert (result.front()["error"] > 0).all()


def test_seconds_alone_are_no_budget_where_a_training_has_no_known_seconds():
    with pytest.raises(ValueError, match="add evaluations, asked or flops"):
        mobench.run("random_search", make(), budget={"seconds": 5})


@pytest.mark.slow
def test_motif_trained_live_falls_within_the_spread_of_its_table():
    live, table = cell_training.problem(dataset="motif", noise=False), make_problem("motif", {})
    X = np.array([SKIPS, [4] * 6, [2, 1, 4, 3, 0, 2]])
    rows = table.member[table.space.index(X)]
    errors = np.array([live.trainings.own(int(row), 12).test for row in live._rows(X)])
    spread = np.array([1.8, 3.0, 1.0])
    assert (np.abs(errors - np.nanmean(table.test[:, rows], axis=0)) < 4 * spread).all()
