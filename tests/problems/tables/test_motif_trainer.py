"""Motif's images, and its compiled trainer against plain torch: equal gradients, equal losses, equal outcomes."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from mobench.problems._cells import space as cell
from mobench.problems._cells.network import Network
from mobench.problems._images import motif as data

ROOT = Path(__file__).parents[3]
spec = importlib.util.spec_from_file_location("motif_trainer", ROOT / "scripts" / "motif" / "trainer.py")
trainer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(trainer)

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) to build the trainer with")
KINDS = {
    "nothing": [0, 0, 0, 0, 0, 0],
    "skips": [1, 1, 1, 1, 1, 1],
    "poolings": [4, 4, 4, 4, 4, 4],
    "convolutions": [3, 3, 3, 3, 3, 3],
    "pointwise": [2, 2, 2, 2, 2, 2],
    "residual": [3, 0, 3, 1, 0, 3],
    "a convolution read twice": [3, 0, 1, 0, 4, 3],
    "a bit of all": [2, 1, 4, 3, 0, 2],
}


@pytest.fixture(scope="module")
def parts():
    return data.generate()


@pytest.fixture(scope="module")
def task():
    return trainer.Task()


@pytest.fixture(scope="module")
def double_task():
    return trainer.Task(real="double")


@pytest.fixture(scope="module", autouse=True)
def denormal_numbers_stay():
    """The trainer is compiled for fast arithmetic, which flushes denormal numbers in the whole process: undo it."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_images_are_the_same_every_time_balanced_and_scaled(parts):
    for part, n in zip(parts, (6144, 2048, 8192), strict=True):
        assert part.images.shape == (n, 8, 8)
        assert part.images.dtype == np.float32
        assert np.ptp(np.bincount(part.labels, minlength=10)) <= 1
    assert parts[0].images.std() == pytest.approx(1, abs=1e-4)
    for part, again in zip(parts, data.generate(), strict=True):
        np.testing.assert_array_equal(part.images, again.images)
        np.testing.assert_array_equal(part.labels, again.labels)
    assert not np.array_equal(parts[0].images, data.generate(seed=1)[0].images)


def test_no_image_is_in_two_parts(parts):
    images = np.concatenate([part.images for part in parts]).reshape(-1, 64)
    assert len(np.unique(images, axis=0)) == len(images)


def test_motifs_have_zero_mean_and_unit_mean_square():
    motifs = data.make_motifs(np.random.default_rng(3))
    np.testing.assert_allclose(motifs.mean(axis=(1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose((motifs**2).mean(axis=(1, 2)), 1)


def make_reference(genes, weights, *, real=torch.float32):
    network = Network(genes, trainer.SKELETON).to(real)
    vector_to_parameters(torch.as_tensor(weights, dtype=real), network.parameters())
    return network


def train_reference(genes, parts, *, seed, row, steps=None, real=torch.float32):
    """Train in plain torch: (steps,) losses, and the network."""
    network = make_reference(genes, trainer.initial_weights(genes, seed=seed, row=row), real=real)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images, labels = torch.as_tensor(parts[0].images, dtype=real)[:, None], torch.as_tensor(parts[0].labels)
    order = trainer.batch_order(seed=seed, row=row, images=len(images))
    losses = []
    for batch, rate in list(zip(order, trainer.learning_rates(len(order)), strict=True))[:steps]:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = cross_entropy(network(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses), network


def evaluate(network, part):
    """Mean cross entropy, and number of right answers."""
    network.eval()
    labels = torch.as_tensor(part.labels)
    with torch.no_grad():
        logits = network(torch.as_tensor(part.images, dtype=next(network.parameters()).dtype)[:, None])
    return cross_entropy(logits, labels).item(), int((logits.argmax(dim=1) == labels).sum())


@pytest.mark.parametrize("genes", KINDS.values(), ids=KINDS)
def test_the_flat_vector_is_the_module_in_order(genes):
    network = Network(genes, trainer.SKELETON)
    shapes = [tuple(p.shape) for p in network.parameters()]
    assert [shape for _, shape, _ in trainer.tensors(genes)] == shapes
    weights = trainer.initial_weights(genes, seed=0, row=0)
    assert len(weights) == cell.params(np.array([genes]), skeleton=trainer.SKELETON)[0]
    np.testing.assert_array_equal(parameters_to_vector(make_reference(genes, weights).parameters()).detach(), weights)


def test_weights_and_order_depend_on_their_address_alone():
    genes = KINDS["residual"]
    for draw in (
        lambda seed, row: trainer.initial_weights(genes, seed=seed, row=row),
        lambda seed, row: trainer.batch_order(seed=seed, row=row, images=640, epochs=2),
    ):
        np.testing.assert_array_equal(draw(1, 5), draw(1, 5))
        assert not np.array_equal(draw(1, 5), draw(2, 5))
        assert not np.array_equal(draw(1, 5), draw(1, 6))
    order = trainer.batch_order(seed=0, row=0, images=640, epochs=2)
    np.testing.assert_array_equal(np.sort(order.reshape(2, 640), axis=1), np.tile(np.arange(640), (2, 1)))


@pytest.mark.long
@needs_compiler
@pytest.mark.parametrize("genes", KINDS.values(), ids=KINDS)
def test_gradients_equal_autograd_in_double_precision(genes, parts):
    rng = np.random.default_rng(1)
    weights = trainer.initial_weights(genes, seed=0, row=0).astype(np.float64)
    weights += 0.1 * rng.standard_normal(len(weights))
    images, labels = parts[0].images[:64], parts[0].labels[:64]
    network = make_reference(genes, weights, real=torch.float64)
    expected = cross_entropy(network(torch.as_tensor(images)[:, None].double()), torch.as_tensor(labels))
    expected.backward()
    loss, gradient = trainer.gradient(np.array(genes), weights, images, labels)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    reference = parameters_to_vector([torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()])
    np.testing.assert_allclose(gradient, reference, rtol=1e-4, atol=1e-10)


@needs_compiler
@pytest.mark.parametrize("kind", ["nothing", "skips", "residual", "a bit of all"])
def test_the_losses_of_25_steps_equal_torch(kind, parts, double_task):
    genes = KINDS[kind]
    expected, _ = train_reference(genes, parts, seed=3, row=11, steps=25, real=torch.float64)
    losses, scores, _ = double_task.train(np.array(genes), seed=3, row=11, steps=25)
    np.testing.assert_allclose(losses, expected, rtol=1e-8)
    assert scores.shape == (0, 2, 2)


@needs_compiler
def test_scores_after_an_epoch_equal_torch(parts, double_task):
    genes = KINDS["a convolution read twice"]
    expected, network = train_reference(genes, parts, seed=2, row=0, steps=96, real=torch.float64)
    losses, scores, final = double_task.train(np.array(genes), seed=2, row=0, steps=96)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    early = data.Part(parts[2].images[:2048], parts[2].labels[:2048])
    for found, part in zip([*scores[0], final], [parts[1], early, parts[2]], strict=True):
        loss, correct = evaluate(network, part)
        assert found[0] == pytest.approx(loss, rel=1e-5)
        assert abs(found[1] - correct) <= 2


@needs_compiler
def test_a_training_repeats_and_counts_right_answers(task):
    genes = np.array(KINDS["skips"])
    losses, scores, final = task.train(genes, seed=0, row=3906, steps=96)
    again = task.train(genes, seed=0, row=3906, steps=96)
    np.testing.assert_array_equal(losses, again[0])
    np.testing.assert_array_equal(scores, again[1])
    assert scores.shape == (1, 2, 2)
    assert (scores[0, :, 1] % 1 == 0).all()
    assert (scores[0, :, 1] <= 2048).all()
    assert scores[0, 1, 1] <= final[1] <= 8192


@needs_compiler
def test_genes_and_weights_that_do_not_fit_are_refused(parts):
    with pytest.raises(ValueError, match="do not fit"):
        trainer.gradient(np.array(KINDS["residual"]), np.zeros(10), parts[0].images[:64], parts[0].labels[:64])


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("kind", ["poolings", "skips", "a bit of all"])
def test_final_accuracies_agree_with_torch_in_distribution(kind, parts, task):
    from scipy.stats import mannwhitneyu

    genes, seeds = KINDS[kind], range(100, 110)
    fast = [task.train(np.array(genes), seed=seed, row=0)[2][1] / 8192 for seed in seeds]
    plain = [evaluate(train_reference(genes, parts, seed=seed + 50, row=0)[1], parts[2])[1] / 8192 for seed in seeds]
    found = mannwhitneyu(fast, plain)
    report = (
        f"{kind}: trainer {np.mean(fast):.4f} +- {np.std(fast):.4f}, torch {np.mean(plain):.4f} +- {np.std(plain):.4f}"
    )
    print(f"{report}, p = {found.pvalue:.3f}")  # noqa: T201 - shown with -s: the report that the test is for
    assert found.pvalue > 0.005, report


@pytest.mark.slow
def test_rows_of_the_table_retrained_in_torch_fall_within_its_seed_spread(parts):
    from mobench.problems.tables import motif

    test = motif.problem().test
    several = np.flatnonzero((~np.isnan(test)).sum(axis=0) > 1)
    if len(several) < 1000:
        pytest.skip("the table has too few networks with two trained seeds to know their spread")
    mean, variance = np.nanmean(test, axis=0), np.nanvar(test[:, several], axis=0, ddof=1)
    chosen = np.random.default_rng(0).choice(len(mean), size=10, replace=False)
    names = np.unique(cell.functional_classes())
    distance = []
    for network in chosen:
        genes = cell.all_cells()[names[network]]
        _, trained = train_reference(genes, parts, seed=0, row=int(names[network]))
        error = 100 * (1 - evaluate(trained, parts[2])[1] / 8192)
        alike = np.argsort(np.abs(mean[several] - mean[network]))[:200]
        local = np.sqrt(variance[alike].mean())  # between seeds, of 200 networks about as accurate
        distance.append((error - mean[network]) / (local * np.sqrt(1 + 1 / np.sum(~np.isnan(test[:, network])))))
    report = f"distances from the table in standard deviations: {np.round(distance, 2)}"
    print(report)  # noqa: T201 - shown with -s
    assert np.mean(np.square(distance)) < 3, report
    assert np.max(np.abs(distance)) < 5, report
