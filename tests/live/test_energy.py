"""Energy: what the driver's counter moved by, over the calls; nothing where there is no counter."""

import sys
import time
from types import SimpleNamespace

import pytest
import torch
from _far import far_device
from torch import nn

from mobench.live.energy import energy_counter, measure_energy

WATTS = 50.0


@pytest.fixture
def driver(monkeypatch):
    """A management library whose card takes 50 W, and moves its counter every hundredth of a second."""

    def counted(handle):
        assert handle == b"GPU-1234"
        return int(1e3 * WATTS * (time.monotonic() // 0.01 * 0.01))

    library = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid.encode(),
        nvmlDeviceGetTotalEnergyConsumption=counted,
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid="1234"))
    return library


def test_energy_of_a_call_is_power_times_its_time(driver):
    class Sleeping(nn.Module):
        def forward(self, x):
            time.sleep(0.004)
            return x

    with far_device():
        energy = measure_energy(Sleeping(), (4,), device="cuda", seconds=0.3)
    assert WATTS * 3.9 <= energy < WATTS * 8.0  # mJ; the counter's steps are a thirtieth of it all


def test_there_is_no_counter_on_the_cpu_nor_where_the_driver_has_none(driver):
    assert energy_counter("cpu") is None
    assert measure_energy(nn.Identity(), (4,), device="cpu") is None
    assert energy_counter("cuda") is not None

    def refused(handle):
        raise RuntimeError("Not Supported")

    driver.nvmlDeviceGetTotalEnergyConsumption = refused
    assert energy_counter("cuda") is None
    with far_device():
        assert measure_energy(nn.Identity(), (4,), device="cuda") is None
