"""The images of motif_chain, and its compiled trainer against plain torch: equal gradients, losses and outcomes."""

import numpy as np
import pytest
import torch
from _trained import check_gradient, check_repeats, needs_compiler, script
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from mobench.problems._chain import space
from mobench.problems._chain.network import chain
from mobench.problems._images import motif_chain as data

trainer = script("chain")
KINDS = {
    "nothing": [0, 0, 0, 0],
    "pointwise": [1, 2, 3, 3],
    "first stage": [6, 8, 0, 0],
    "second stage": [0, 0, 7, 4],
    "a block a stage": [0, 5, 8, 0],
    "all kernels": [8, 4, 1, 6],
}


@pytest.fixture(scope="module")
def parts():
    return data.generate()


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
    for part, n in zip(parts, (8192, 2048, 8192), strict=True):
        assert part.images.shape == (n, 8, 8)
        assert part.images.dtype == np.float32
        assert np.ptp(np.bincount(part.labels, minlength=40)) <= 1
    assert parts[0].images.std() == pytest.approx(1, abs=1e-4)
    for part, again in zip(parts, data.generate(), strict=True):
        np.testing.assert_array_equal(part.images, again.images)
        np.testing.assert_array_equal(part.labels, again.labels)
    images = np.concatenate([part.images for part in parts]).reshape(-1, 64)
    assert len(np.unique(images, axis=0)) == len(images)


def make_reference(genes, weights, *, real=torch.float32):
    network = chain(genes).to(real)
    vector_to_parameters(torch.as_tensor(weights, dtype=real), network.parameters())
    return network


def train_reference(genes, parts, *, seed, row, steps=None, real=torch.float32):
    """Train in plain torch: (steps,) losses, and the network."""
    network = make_reference(genes, trainer.initial_weights(genes, seed=seed, row=row), real=real)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images, labels = torch.as_tensor(parts[0].images, dtype=real)[:, None], torch.as_tensor(parts[0].labels)
    order = trainer.batch_order(seed=seed, row=row, images=len(images), batch=64, epochs=8)
    losses = []
    for batch, rate in list(zip(order, trainer.learning_rates(len(order)), strict=True))[:steps]:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = cross_entropy(network(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses), network


def right_answers(network, part):
    network.eval()
    with torch.no_grad():
        logits = network(torch.as_tensor(part.images, dtype=next(network.parameters()).dtype)[:, None])
    return int((logits.argmax(dim=1) == torch.as_tensor(part.labels)).sum())


@pytest.mark.parametrize("genes", KINDS.values(), ids=KINDS)
def test_the_flat_vector_is_the_module_in_order(genes):
    network = chain(genes)
    shapes = [tuple(p.shape) for p in network.parameters()]
    assert [shape for _, shape, _ in trainer.tensors(genes)] == shapes
    weights = trainer.initial_weights(genes, seed=0, row=0)
    assert len(weights) == space.params(np.array([genes]))[0]
    np.testing.assert_array_equal(parameters_to_vector(make_reference(genes, weights).parameters()).detach(), weights)


def test_weights_and_order_depend_on_their_address_alone():
    genes = KINDS["all kernels"]
    for draw in (
        lambda seed, row: trainer.initial_weights(genes, seed=seed, row=row),
        lambda seed, row: trainer.batch_order(seed=seed, row=row, images=640, batch=64, epochs=2),
    ):
        np.testing.assert_array_equal(draw(1, 5), draw(1, 5))
        assert not np.array_equal(draw(1, 5), draw(2, 5))
        assert not np.array_equal(draw(1, 5), draw(1, 6))
    order = trainer.batch_order(seed=0, row=0, images=640, batch=64, epochs=2)
    np.testing.assert_array_equal(np.sort(order.reshape(2, 640), axis=1), np.tile(np.arange(640), (2, 1)))


@needs_compiler
@pytest.mark.parametrize(("real", "rtol"), [("double", 1e-9), ("float", 1e-4)])
@pytest.mark.parametrize("genes", KINDS.values(), ids=KINDS)
def test_gradients_equal_autograd(genes, parts, real, rtol):
    check_gradient(trainer, make_reference, genes, parts[0], real, rtol)


@needs_compiler
def test_an_epoch_of_training_equals_torch(parts):
    genes = KINDS["all kernels"]
    expected, network = train_reference(genes, parts, seed=3, row=11, steps=128, real=torch.float64)
    losses, valid, test = trainer.Task(parts, real="double").train(np.array(genes), seed=3, row=11, steps=128)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert valid.shape == (1,)
    for found, part in ((valid[0], parts[1]), (test, parts[2])):
        assert abs(found - right_answers(network, part)) <= 2


@needs_compiler
def test_a_training_repeats(parts):
    check_repeats(trainer.Task(parts), KINDS["a block a stage"], seed=0, row=7, steps=128)


@needs_compiler
def test_weights_that_do_not_fit_are_refused(parts):
    with pytest.raises(ValueError, match="do not fit"):
        trainer.gradient(np.array(KINDS["nothing"]), np.zeros(10), parts[0].images[:64], parts[0].labels[:64])


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("kind", ["a block a stage", "all kernels"])
def test_final_accuracies_agree_with_torch_in_distribution(kind, parts):
    from scipy.stats import mannwhitneyu

    genes, seeds, task = KINDS[kind], range(100, 106), trainer.Task(parts)
    fast = [task.train(np.array(genes), seed=seed, row=0)[2] / 8192 for seed in seeds]
    plain = [right_answers(train_reference(genes, parts, seed=s + 50, row=0)[1], parts[2]) / 8192 for s in seeds]
    found = mannwhitneyu(fast, plain)
    report = (
        f"{kind}: trainer {np.mean(fast):.4f} +- {np.std(fast):.4f}, torch {np.mean(plain):.4f} +- {np.std(plain):.4f}"
    )
    print(f"{report}, p = {found.pvalue:.3f}")  # noqa: T201 - shown with -s: the report that the test is for
    assert found.pvalue > 0.005, report
