"""The cell supernet on a device that is not the CPU: room, repeatable kernels, waits, and what is done to batches."""

import numpy as np
import pytest
import torch
from _far import far_device, waited
from torch.utils._python_dispatch import TorchDispatchMode

from mobench import make_problem
from mobench.live.data import Dataset, Part
from mobench.live.training import crops_and_flips
from mobench.problems._cells import mixture, plans
from mobench.problems._cells.problem import augmentation
from mobench.problems._cells.space import Skeleton
from mobench.problems._cells.supernet import CellSupernet, Options
from mobench.searchers._relaxed import descent
from mobench.searchers._relaxed.relaxations import one_hot
from mobench.searchers._relaxed.search import initial
from mobench.searchers._relaxed.settings import Settings
from mobench.searchers.bilevel import darts

torch.set_num_threads(1)
PATHS = [(3, 2, 1, 4, 2, 3), (3,) * 6, (2, 3, 0, 3, 1, 0)]
NOT_REPEATABLE = {
    "aten::_adaptive_avg_pool2d_backward", "aten::adaptive_max_pool2d_backward", "aten::avg_pool3d_backward",
    "aten::cumsum", "aten::_embedding_bag", "aten::embedding_dense_backward", "aten::fractional_max_pool2d_backward",
    "aten::grid_sampler_2d_backward", "aten::histc", "aten::bincount", "aten::index_add", "aten::index_put",
    "aten::_index_put_impl_", "aten::kthvalue", "aten::max_pool2d_with_indices_backward", "aten::nll_loss2d_forward",
    "aten::put_", "aten::reflection_pad2d_backward", "aten::replication_pad2d_backward", "aten::scatter_add",
    "aten::scatter_reduce", "aten::upsample_bilinear2d_backward", "aten::upsample_nearest2d_backward",
}  # fmt: skip
"""What torch.use_deterministic_algorithms lists as without a repeatable kernel on CUDA, as far as networks have it."""


def supernet(device="cpu", charge=lambda flops: None, skeleton=None, batch=16, **options):
    skeleton = Skeleton(1, 8, 10, 4, 2, 2) if skeleton is None else skeleton
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2 * batch, 1, skeleton.size, skeleton.size, generator=generator)
    half = (images, torch.arange(2 * batch) % 10)
    settings = Options(batch=batch, device=device, images_last=False, **options)
    return CellSupernet(skeleton, train=half, valid=half, charge=charge, seed=0, options=settings)


def kept(network, p):
    """Bytes that a pass keeps for its backward pass, each storage once, weights left out."""
    weights, seen = network.initial_weights(), {}
    own = {w.untyped_storage().data_ptr() for w in weights.values()}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = network.train_loss(weights, p, network.train_batch())
    assert loss.requires_grad
    return sum(seen.values())


@pytest.mark.parametrize("skeleton", [Skeleton(1, 8, 10, 4, 2, 2), Skeleton(1, 16, 10, 8, 1, 3)], ids=str)
def test_what_a_pass_keeps_is_known_before(skeleton):
    network = supernet(skeleton=skeleton)
    alpha = network.initial_alpha()
    for p in (torch.softmax(alpha, dim=1), *one_hot(np.array(PATHS), alpha.detach())):
        plan = plans.plan(plans.support_of(p)[0])
        told = 16 * 4 * mixture.kept_values(skeleton, plan)
        assert 0.75 < told / kept(network, p) < 1.3


def test_a_mixture_without_room_is_refused_before_it_is_charged_and_a_path_fits():
    charged = []
    with far_device(free=1_000_000):
        network = supernet("cuda", charged.append)
        alpha, weights, batch = network.initial_alpha(), network.initial_weights(), network.train_batch()
        words = (
            r"cuda: a pass of 16 images through 24 operations a cell keeps about .* GiB are free; use a smaller batch"
        )
        with pytest.raises(MemoryError, match=words):
            network.train_loss(weights, torch.softmax(alpha, dim=1), batch)
        assert charged == []
        network.train_loss(weights, one_hot(np.array(PATHS[0]), alpha.detach()), batch).backward()
        with torch.no_grad():  # keeps nothing
            network.train_loss(weights, torch.softmax(alpha, dim=1), batch)
    assert len(charged) == 3


def test_on_cuda_kernels_are_repeatable_from_the_opening_on_and_elsewhere_nothing_changes():
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    try:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = False, True
        supernet("cpu")
        assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == (False, True)
        with far_device():
            supernet("cuda")
            assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == (True, False)
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before


class Named(TorchDispatchMode):
    """Remembers what was computed."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.name().partition(".")[0])
        return func(*args, **(kwargs or {}))


def test_passes_of_both_orders_have_no_operation_without_a_repeatable_kernel():
    network = supernet()
    weights, p = network.initial_weights(), torch.softmax(network.initial_alpha(), dim=1)
    with Named() as seen:
        loss = network.train_loss(weights, p, network.train_batch())
        slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        sum((slope**2).sum() for slope in slopes).backward()
    assert {"aten::convolution_backward", "aten::avg_pool2d_backward"} <= seen.names
    assert not seen.names & NOT_REPEATABLE


def waits(step, count=5):
    """Waits for the device in some calls of a step, after a first one."""
    step()
    waited.clear()
    for _ in range(count):
        step()
    return sum(waited.values()) / count


def test_training_on_uniform_paths_never_waits_for_the_device():
    with far_device():
        search = initial(supernet("cuda"), Settings(), np.full(2, 0.5), 0)
        assert waits(lambda: descent.train(search)) == 0


def test_a_step_by_the_score_function_waits_once():
    with far_device():
        settings = Settings(relaxation="score")
        object.__setattr__(settings, "paths", "uniform")
        search = initial(supernet("cuda"), settings, np.full(2, 0.5), 0)
        assert waits(lambda: descent.step(search, lambda search, losses, gradients: gradients.sum(dim=0))) == 1


def test_a_step_of_darts_waits_for_the_support_of_each_loss_and_for_nothing_else():
    with far_device():
        search = initial(supernet("cuda"), darts.Options(), np.full(2, 0.5), 0)

        def step():
            relaxed = search.relax()
            lower, upper = search.lower(relaxed), search.upper(relaxed)
            search.step_alpha(darts.hypergradient(upper, search.weights, search.alpha))
            search.train(lower)

        assert waits(step) <= 2


def test_training_batches_are_augmented_by_their_address_and_validation_batches_are_not():
    drawn = []

    def mirrored(images, rng):
        drawn.append(rng.random())
        return images.flip(3)

    plain, other = supernet(), supernet(augment=mirrored)
    train, labels = plain._images(plain.train_batch())
    batch = other.train_batch()
    for _ in range(2):  # two passes of a batch see the same
        changed, same = other._images(batch)
        assert torch.equal(changed, train.flip(3))
        assert torch.equal(same, labels)
    other._images(other.train_batch())
    assert drawn[0] == drawn[1] != drawn[2]
    assert torch.equal(other._images(other.valid_batch())[0], plain._images(plain.valid_batch())[0])


def test_crops_of_normalised_images_are_normalised_crops():
    images = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    part = Part(images, torch.zeros(6, dtype=torch.int64))
    mean, std = torch.tensor([120.0, 100.0, 90.0])[:, None, None], torch.tensor([60.0, 50.0, 70.0])[:, None, None]
    data = Dataset("cifar10", part, part, part, mean, std, 2, "seeded")
    found = augmentation(data)(data.normalise(images), np.random.default_rng(3))
    expected = data.normalise(crops_and_flips(2)(images, np.random.default_rng(3)))
    assert torch.allclose(found, expected, atol=1e-5)


def test_what_is_not_augmented_in_its_trainings_is_not_in_its_supernet():
    pytest.importorskip("sklearn.datasets")
    problem = make_problem("cell_training", {"dataset": "digits", "epochs": 1})
    assert problem.supernet(charge=lambda flops: None, seed=0).options.augment is None
