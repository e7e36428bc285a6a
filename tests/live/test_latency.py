"""Latency: order, spread and context of what is measured, and nothing changed by measuring."""

import numpy as np
import pytest
import torch
from _far import far_device
from torch import nn

from mobench.live.latency import measure_in_turn, measure_latency


def conv(width: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 4, 3, padding=1))


def test_more_work_takes_longer():
    small, large = (measure_latency(conv(width), (4, 16, 16), repeats=9) for width in (4, 256))
    assert small.median < large.median
    assert small.low <= small.median <= small.high
    assert large.spread >= 0


def test_a_measurement_tells_its_context():
    latency = measure_latency(conv(4), (4, 8, 8), batch=3, repeats=5, dtype=torch.float64)
    assert (latency.batch, latency.mode, latency.dtype, latency.repeats) == (3, "cpu", "float64", 5)
    assert latency.about["torch"] == torch.__version__
    assert latency.calls >= 1
    assert latency.device


def test_measuring_changes_nothing():
    module = conv(4).train()
    weights = [w.clone() for w in module.parameters()]
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    measure_latency(module, (4, 8, 8), repeats=5, dtype=torch.float64)
    assert module.training
    assert torch.get_num_threads() == threads
    assert (torch.random.get_rng_state() == state).all()
    for before, after in zip(weights, module.parameters(), strict=True):
        assert after.dtype == torch.float32
        assert (before == after).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"batch": 0}, "batch >= 1"), ({"repeats": 2}, "repeats >= 5"), ({"mode": "graph"}, "needs a CUDA device")],
)
def test_impossible_measurements_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        measure_latency(conv(4), (4, 8, 8), **options)


def test_in_turn_a_module_takes_as_long_as_its_twin_and_less_than_one_with_more_work():
    times = measure_in_turn((conv(8), conv(8), conv(256)), (4, 16, 16), batch=2, repeats=25)
    assert times.shape == (25, 3)
    ratios = np.median(times / times[:, :1], axis=0)
    assert 0.5 < ratios[1] < 2 < ratios[2]


@pytest.mark.parametrize(("modules", "options"), [(0, {}), (1, {"batch": 0}), (1, {"repeats": 4})])
def test_impossible_rounds_are_refused(modules, options):
    with pytest.raises(ValueError, match="expected modules, batch >= 1 and repeats >= 5, found"):
        measure_in_turn([conv(4)] * modules, (4, 8, 8), **options)


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_on_a_device_calls_lie_between_events_and_graphs_are_replayed(mode):
    module = conv(4)
    with far_device():
        latency = measure_latency(module, (4, 8, 8), device="cuda", mode=mode, repeats=5)
    assert (latency.mode, latency.device) == (mode, "NVIDIA E100 Emulated")
    assert 0 < latency.low <= latency.median


def test_what_waits_cannot_be_captured():
    class Waiting(nn.Module):
        def forward(self, x):
            return x * x.sum().item()

    with far_device(), pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        measure_latency(Waiting(), (4,), device="cuda", mode="graph", repeats=5)


def test_tokens_are_whole_numbers_whatever_the_type_of_the_weights():
    module = nn.Sequential(nn.Embedding(7, 8), nn.Linear(8, 7))
    assert measure_latency(module, (5,), batch=2, dtype=torch.float64, tokens=7, repeats=5).median > 0
    with pytest.raises(IndexError):
        measure_latency(module, (50,), batch=2, tokens=9, repeats=5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_cuda_is_measured_by_events(mode):
    latency = measure_latency(conv(64), (4, 32, 32), device="cuda", mode=mode, repeats=9)
    assert latency.mode == mode
    assert latency.median > 0
