"""The benchmark of a supernet's steps runs, and its ratios are in order."""

import importlib.util
from pathlib import Path


def test_the_benchmark_prints_every_step_and_its_ratio(capsys):
    path = Path(__file__).parents[3] / "benchmarks" / "supernet_steps.py"
    spec = importlib.util.spec_from_file_location("supernet_steps", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(["--batch", "8", "--repeats", "1", "--calls", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line[:12].strip() for line in lines[1:]] == [
        "path", "mixture", "first order", "second order", "CG-10", "ledger"
    ]  # fmt: skip
    ratios = {line[:12].strip(): float(line[14:].split()[1]) for line in lines[1:]}
    assert ratios["first order"] == 1.0
    assert ratios["CG-10"] > ratios["first order"]
