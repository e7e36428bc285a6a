"""The compiled trainer of motif_transformer against plain torch: equal gradients, losses and outcomes."""

import numpy as np
import pytest
import torch
from _trained import check_gradient, check_repeats, needs_compiler, script
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from mobench import load_table
from mobench.live import Recipe
from mobench.problems._images import motif_transformer as data
from mobench.problems._transformer import space
from mobench.problems._transformer.network import transformer
from mobench.problems._transformer.table import EPOCHS, TABLE

trainer = script("transformer")
KINDS = {
    "nothing": [0, 0, 0, 0, 0, 0, 0, 0],
    "the most of nothing": [0, 0, 0, 0, 0, 0, 0, 1],
    "attention": [1, 2, 0, 1, 0, 0, 0, 1],
    "perceptrons": [3, 0, 1, 0, 2, 0, 1, 1],
    "a layer": [2, 1, 1, 0, 0, 0, 0, 0],
    "everything": [3, 2, 2, 1, 1, 2, 2, 0],
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


def make_reference(genes, weights, *, real=torch.float32):
    network = transformer(genes).to(real)
    vector_to_parameters(torch.as_tensor(weights, dtype=real), network.parameters())
    return network


def right_answers(network, part):
    with torch.no_grad():
        logits = network(torch.as_tensor(part.images, dtype=next(network.parameters()).dtype)[:, None])
    return int((logits.argmax(dim=1) == torch.as_tensor(part.labels)).sum())


@pytest.mark.parametrize("genes", KINDS.values(), ids=KINDS)
def test_the_flat_vector_is_the_module_in_order(genes):
    shapes = [tuple(p.squeeze(1).flatten(1).shape if p.ndim == 4 else p.shape) for p in transformer(genes).parameters()]
    assert [shape for _, shape, _ in trainer.tensors(genes)] == shapes
    weights = trainer.initial_weights(genes, seed=0, row=0)
    assert len(weights) == space.params(np.array([genes]))[0]
    np.testing.assert_array_equal(parameters_to_vector(make_reference(genes, weights).parameters()).detach(), weights)


def test_weights_begin_as_torch_begins_them():
    """Each tensor as its own layer draws it, in deviation: uniform ones and the normal one of the positions."""
    genes = KINDS["everything"]
    torch.manual_seed(0)
    network = transformer(genes)
    for part in network.modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
    mine = make_reference(genes, trainer.initial_weights(genes, seed=0, row=0))
    for (name, theirs), my in zip(network.named_parameters(), mine.parameters(), strict=True):
        if theirs.numel() > 200:
            assert my.std().item() == pytest.approx(theirs.std().item(), rel=0.2), name
        elif "norm" in name:
            torch.testing.assert_close(my, theirs)


@needs_compiler
@pytest.mark.parametrize(("real", "rtol"), [("double", 1e-9), ("float", 1e-4)])
@pytest.mark.parametrize("genes", KINDS.values(), ids=KINDS)
def test_gradients_equal_autograd(genes, parts, real, rtol):
    check_gradient(trainer, make_reference, genes, parts[0], real, rtol)


@needs_compiler
def test_steps_of_training_equal_torch_under_the_recipe_of_the_live_trainings(parts):
    genes, steps = KINDS["everything"], 40
    network = make_reference(genes, trainer.initial_weights(genes, seed=3, row=11), real=torch.float64)
    recipe = Recipe(epochs=EPOCHS, batch=32, optimizer="adamw", rate=6e-3, decay=0.05, warm_up=0.1)
    groups = [
        {"params": [w for w in network.parameters() if w.dim() > 1], "weight_decay": recipe.decay},
        {"params": [w for w in network.parameters() if w.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(recipe.momentum, 0.99))
    images, labels = torch.as_tensor(parts[0].images).double()[:, None], torch.as_tensor(parts[0].labels)
    order = trainer.batch_order(seed=3, row=11, images=len(images), batch=32, epochs=EPOCHS)
    expected = []
    for step, batch in enumerate(order[:steps]):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate_at((step + 1) / (len(order) + 1))
        optimizer.zero_grad()
        loss = cross_entropy(network(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    losses, valid, test = trainer.Task(parts, real="double").train(np.array(genes), seed=3, row=11, steps=steps)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert not len(valid)
    assert abs(test - right_answers(network, parts[2])) <= 2


@needs_compiler
def test_a_training_repeats_and_is_the_row_of_the_table(parts):
    """To the last answer where compiler and processor are those of the table, elsewhere closely."""
    genes, table = np.array(KINDS["nothing"]), load_table(TABLE)
    row = int(space.index(genes[None])[0])
    at = np.searchsorted(table["row"], row)
    _, valid, test = check_repeats(trainer.Task(parts), genes, seed=0, row=row)
    assert abs(test - int(table["test_correct:0"][at])) < 0.03 * 8192
    assert np.abs(valid - table["valid_correct:0"][at].astype(int)).max() < 0.03 * 2048


@needs_compiler
def test_weights_that_do_not_fit_are_refused(parts):
    with pytest.raises(ValueError, match="do not fit"):
        trainer.gradient(np.array(KINDS["nothing"]), np.zeros(10), parts[0].images[:32], parts[0].labels[:32])
