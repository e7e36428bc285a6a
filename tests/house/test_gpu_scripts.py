"""The measurement scripts for GPUs run on the CPU and on an emulated device, and go on where they stopped."""

import contextlib
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from _scripts import scripts

pytest.importorskip("torch")
from _far import far_device

import mobench
from mobench import Column, Table, load_table, make_campaign, make_problem, save_table
from mobench.plugins.catalogue import find
from mobench.plugins.references import parse_reference
from mobench.problems._cells import space as cell
from mobench.problems._chain import table as chain_table
from mobench.problems._hw_gpt.additive import Additive
from mobench.problems._hw_gpt.scales import SCALES, Scale
from mobench.problems._motif import table as motif_table
from mobench.problems._transformer import table as transformer_table
from mobench.problems.tables import motif, motif_chain, motif_transformer, nasbench201

HERE = Path(__file__).parents[2] / "scripts" / "gpu"

measurement, spaces, gpt, latency, pack_latency, compare, throughput, first_call = scripts(
    "gpu", "measurement", "spaces", "gpt", "latency", "pack_latency", "compare", "throughput", "first_call"
)
SMALL = cell.Skeleton(size=8, channels=2, cells=1, stages=1)
SETTING = measurement.Setting("nasbench201", "graph", "float32", 1)


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Cheap measurements of a small network."""
    monkeypatch.setitem(spaces.SPACES, "nasbench201", lambda: spaces.cells(SMALL))
    monkeypatch.setattr(measurement, "REPEATS", 5)
    monkeypatch.setattr(measurement, "WARM_UP", 0.0)


def measured(folder, medians, setting=SETTING, card="NVIDIA E100 Emulated", again=1.01):
    """A file of made-up measurements."""
    medians = np.asarray(medians, dtype=float)
    columns = {name: Column(np.full(len(medians), np.nan), unit) for name, unit in measurement.UNITS.items()}
    columns |= {"median": Column(medians, "ms"), "again": Column(again * medians, "ms")}
    about = {"space": setting.space, "mode": setting.mode, "dtype": setting.dtype, "batch": setting.batch}
    save_table(folder / setting.file, Table(columns, about | {"card": card, "reference": [{"ms": 1.0}, {"ms": 1.1}]}))
    return folder / setting.file


def test_settings_come_in_their_order_and_graphs_are_eager_on_the_cpu():
    settings = latency.wanted("cuda:1")
    assert [(it.mode, it.dtype, it.batch) for it in settings[:4]] == [
        ("graph", "float32", 1), ("graph", "float32", 256), ("graph", "bfloat16", 1), ("graph", "bfloat16", 256),
    ]  # fmt: skip
    assert {it.space for it in settings} == set(spaces.SPACES)
    assert settings[0].file == "nasbench201-cuda-graph-float32-b1.npz"
    on_cpu = latency.wanted("cpu", ["nasbench201"])
    assert {it.mode for it in on_cpu} == {"eager"}
    assert len(on_cpu) == len(set(on_cpu)) == 4


def test_a_measurement_goes_on_where_it_stopped(tmp_path, capsys):
    common = ["--device", "cpu", "--out", str(tmp_path), "--only", "nasbench201", "--dtype", "float32"]
    path = tmp_path / "nasbench201-cpu-eager-float32-b1.npz"
    assert latency.main([*common, "--limit", "3"]) == 0
    assert "nothing is left" in capsys.readouterr().out
    first = load_table(path)
    latency.main([*common, "--limit", "4"])
    table = load_table(path)
    known = ~np.isnan(first["median"])
    assert known.sum() == 3
    np.testing.assert_array_equal(table["median"][known], first["median"][known])
    assert (~np.isnan(table["median"])).sum() == (~np.isnan(table["again"])).sum() == 4
    assert np.isnan(table["energy"]).all()  # a CPU has no counter
    assert (table.about["mode"], table.about["batch"], len(table.about["reference"])) == ("eager", 1, 2)
    assert "4 networks twice: rank correlation" in capsys.readouterr().out
    assert latency.main([*common, "--limit", "9", "--minutes", "0"]) == 2 * (5 + 5)
    with pytest.raises(SystemExit):
        latency.main([*common[:4], "--only", "toaster"])
    assert "expected any of nasbench201" in capsys.readouterr().err


def test_measurements_of_two_cards_are_not_mixed(tmp_path):
    measured(tmp_path, [np.nan] * 5260, measurement.Setting("nasbench201", "eager", "float32", 1, "cpu"))
    command = ["--device", "cpu", "--out", str(tmp_path), "--only", "nasbench201", "--dtype", "float32", "--limit", "1"]
    with pytest.raises(SystemExit, match="of another card, NVIDIA E100 Emulated, not"):
        latency.main(command)


def test_on_a_device_graphs_peaks_and_energy_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(measurement, "measure_energy", lambda module, shape, **options: 7.0 * options["batch"])
    monkeypatch.setattr(measurement, "SUBSET", 1)
    with far_device():
        monkeypatch.setattr("torch.cuda.max_memory_allocated", lambda device=None: 3 * 2**20)
        for mode in ("graph", "eager"):
            latency.main(["--out", str(tmp_path), "--only", "nasbench201", "--mode", mode, "--limit", "2"])
    files = sorted(tmp_path.glob("*.npz"))
    assert len(files) == 6
    for file in files:
        table = load_table(file)
        assert (~np.isnan(table["median"])).sum() == 2
        assert table["memory"][~np.isnan(table["median"])].tolist() == [3.0, 3.0]
        assert table["energy"][~np.isnan(table["energy"])].tolist() == [7.0 * table.about["batch"]]
        assert table.about["card"] == "NVIDIA E100 Emulated"
    assert pack_latency.name_of(table.about["card"]) == "e100"


@pytest.mark.parametrize("space", ["motif", "motif_chain", "motif_transformer"])
def test_every_space_builds_the_networks_of_its_table(space):
    networks = spaces.SPACES[space]()
    assert len(networks.genes) == len(make_problem(space).costs)
    macs, problem = make_problem(space).macs, make_problem(space, {"objectives": ["params"]})
    for i in (0, len(macs) // 2, len(macs) - 1):
        built = networks.make(networks.genes[i].tolist())
        assert sum(w.numel() for w in built.parameters()) == round(1e3 * problem.costs[i, 0])
        assert spaces.SPACES[space]().shape == (1, 8, 8)


@pytest.mark.parametrize("name", ["s", "m"])
def test_language_models_have_the_parameters_that_were_counted(name):
    scale = SCALES[name]
    base, terms = scale.costs("params")
    X = scale.space().sample(np.random.default_rng(0), 3)
    counted = Additive(base[..., None], terms[..., None]).totals(X)[:, 0]
    for x, expected in zip(X.tolist(), counted.tolist(), strict=True):
        with gpt.torch.device("meta"):
            assert sum(w.numel() for w in gpt.GPT(x, scale).parameters()) == expected


def test_a_language_model_sees_no_later_token_and_tells_positions_apart():
    tiny = Scale((32, 64, 96), (1, 2, 3), 3, 2)
    network = gpt.GPT([1, 2, 1, 0, 1, 2, 2, 1, 0], tiny)
    tokens = gpt.torch.arange(12).view(2, 6)
    with gpt.torch.inference_mode():
        before = network(tokens)
        tokens[:, 4] += 100
        after = network(tokens)
        same = network(gpt.torch.full((1, 6), 5))
    assert before.shape == (2, 6, gpt.VOCABULARY)
    assert gpt.torch.equal(before[:, :4], after[:, :4])
    assert not gpt.torch.equal(before[:, 4:], after[:, 4:])
    assert gpt.torch.allclose(same[0, 0], same[0, 5], atol=0.1)  # one token alone: attention sees the same values


def test_language_models_are_measured_on_tokens(tmp_path, monkeypatch):
    tiny = Scale((32, 64, 96), (1, 2, 3), 3, 2)
    genes = tiny.space().sample(np.random.default_rng(0), 3)
    networks = spaces.Networks(genes, lambda x: gpt.GPT(x, tiny), (4,), genes[0].tolist(), tokens=gpt.VOCABULARY)
    monkeypatch.setitem(spaces.SPACES, "hw_gpt", lambda: networks)
    assert latency.main(["--device", "cpu", "--out", str(tmp_path), "--only", "hw_gpt", "--limit", "2"]) == 0
    table = load_table(tmp_path / "hw_gpt-cpu-eager-float32-b8.npz")
    assert (~np.isnan(table["median"])).sum() == (~np.isnan(table["again"])).sum() == 2


def test_rotations_keep_lengths_and_depend_on_distances_alone():
    cosine, sine = gpt.rotations(9, gpt.torch.device("cpu"))
    x, y = gpt.torch.randn(2, 1, gpt.ROTATED, generator=gpt.torch.Generator().manual_seed(0))
    X, Y = (gpt.rotated(it.expand(9, -1), cosine, sine) for it in (x, y))
    gpt.torch.testing.assert_close(X.norm(dim=1), x.norm().expand(9))
    products = X @ Y.T
    gpt.torch.testing.assert_close(products[2:, 2:], products[:-2, :-2], rtol=1e-4, atol=1e-4)


def test_a_packed_table_of_nasbench201_becomes_objectives(tmp_path, monkeypatch, capsys):
    shipped = tmp_path / "shipped.npz"
    whole = measured(tmp_path, np.arange(1.0, 5261.0))
    other = measured(tmp_path, np.arange(2.0, 5262.0), replace(SETTING, mode="eager", dtype="bfloat16", batch=256))
    part = measured(tmp_path, [np.nan] * 5260, replace(SETTING, batch=256))
    assert pack_latency.main([str(whole), str(other), str(part), "--to", str(shipped)]) == 1
    out = capsys.readouterr().out
    assert "left out, 5260 networks are not measured yet" in out
    assert set(load_table(shipped).columns) == {"latency:e100_b1", "latency:e100_bfloat16_eager_b256"}
    about = load_table(shipped).columns["latency:e100_b1"].about
    assert (about["card"], about["rank_correlation"], about["twice"]) == ("NVIDIA E100 Emulated", 1.0, 5260)
    monkeypatch.setattr(nasbench201, "SHIPPED", shipped)
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "nothing imported"))
    problem = nasbench201.problem(objectives=("flops", "latency:e100_b1"), dataset="cifar100")
    F = problem.score(cell.all_cells())
    assert (F[:, 1] == F[cell.functional_classes(), 1]).all()
    assert F[np.unique(cell.functional_classes()), 1].tolist() == list(range(1, 5261))
    with pytest.raises(ValueError, match="unknown 'latency:e100_b1'"):
        nasbench201.problem(objectives=("flops", "latency:e100_b1"), dataset="ImageNet16-120")
    with pytest.raises(ValueError, match="no validation error of cifar10 is imported; leave out data='imported'"):
        nasbench201.problem(objectives=("error", "latency:e100_b1"), data="imported")


@pytest.mark.parametrize(
    ("space", "module", "table"),
    [
        ("motif", motif, motif_table),
        ("motif_chain", motif_chain, chain_table),
        ("motif_transformer", motif_transformer, transformer_table),
    ],
)
def test_columns_packed_into_tables_are_objectives_with_noise_and_expected_latencies(
    space, module, table, tmp_path, monkeypatch
):
    networks, costs = spaces.SPACES[space]().genes, make_problem(space, {"objectives": ["flops"]}).costs[:, 0]
    measures = 1.0 + costs / costs.max()
    file = measured(tmp_path, measures, replace(SETTING, space=space, batch=64))
    to = tmp_path / "table.npz"
    save_table(to, table.load())
    assert pack_latency.main([str(file), "--to", str(to)]) == 0
    packed = load_table(to)
    monkeypatch.setattr(module, "load", lambda: packed)
    problem = module.problem(objectives=("error", "latency:e100_b64"))
    np.testing.assert_allclose(problem.score(networks)[:, 1], measures, rtol=1e-6)
    noise = problem.standard_errors(networks)[:, 1] / measures
    np.testing.assert_allclose(noise, 0.01 / (2**0.5 * 0.6745), rtol=1e-3)
    network = problem.supernet(charge=lambda flops: None, seed=0)
    x = networks[-1]
    p = gpt.torch.zeros(len(x), network.initial_alpha().shape[1])
    p[range(len(x)), x.tolist()] = 1.0
    assert float(network.costs(p)[0]) == pytest.approx(measures[-1], rel=0.05)


def test_a_table_is_compared_with_the_older_settings_and_its_front_moves(tmp_path, capsys):
    older = compare.cells()[1]
    assert set(older) == set(compare.OLDER)
    twin = measured(tmp_path, 0.1 * older["2080ti_1"])
    shipped = tmp_path / "shipped.npz"
    pack_latency.main([str(twin), "--to", str(shipped)])
    compare.main([str(twin), str(shipped), "--to", str(tmp_path / "out")])
    out = capsys.readouterr().out
    assert out.count("the front of 1080ti: before") == 2
    rows = compare.agreement(0.1 * older["2080ti_1"], older)
    assert rows.loc["2080ti_1", ["spearman", "kendall", "ratio", "ratio_spread"]].tolist() == pytest.approx(
        [1, 1, 0.1, 0]
    )
    assert rows["spearman"].drop("2080ti_1").max() < 1
    assert (tmp_path / "out" / "e100_b1.png").stat().st_size > 10_000
    assert (tmp_path / "out" / "e100_b1.csv").exists()


def test_a_front_that_stays_loses_nothing_and_one_that_turns_round_does():
    error, latency = np.array([3.0, 2.0, 1.0, 2.5]), np.array([1.0, 2.0, 3.0, 4.0])
    same = compare.moved(error, latency, 10 * latency)
    assert (same["before"], same["after"], same["shared"], same["hypervolume"], same["excess"]) == (3, 3, 3, 1.0, 0.0)
    turned = compare.moved(error, latency, latency[::-1].copy())
    assert (turned["before"], turned["after"], turned["shared"]) == (3, 2, 1)
    assert turned["hypervolume"] < 1
    assert turned["excess"] > 0


def test_language_models_are_compared_with_their_gpus(tmp_path, capsys):
    published = compare.language_models()
    medians = 2.0 * published["h100"]
    medians[50:] = np.nan
    compare.main([str(measured(tmp_path, medians, replace(SETTING, space="hw_gpt", mode="eager", batch=8)))])
    out = capsys.readouterr().out
    assert len(medians) == spaces.SAMPLED
    row = next(line.split() for line in out.splitlines() if line.startswith("h100"))
    assert [float(it) for it in row[1:]] == [50, 1, 1, 2, 0]


def test_throughput_is_a_table_of_forms_that_goes_on(tmp_path, capsys):
    small = ["--device", "cpu", "--size", "8", "--channels", "2", "--cells", "1", "--steps", "1", "--repeats", "1"]
    command = [*small, "--batch", "2", "--to", str(tmp_path / "out.json")]
    throughput.main([*command, "--minutes", "0"])
    assert len(capsys.readouterr().out.splitlines()) == 1
    throughput.main(command)
    found = json.loads((tmp_path / "out.json").read_text())
    rows = found["rows"]
    assert len(rows) == 2 * 7  # neither graphs nor compiled forms
    assert not any("broke" in row for row in rows)
    assert all(row["images_per_second"] > 0 and row["operations"] > 0 for row in rows)
    assert all(row["limit"] == "launches" or max(row["memory"], row["matrix"]) >= 0.5 for row in rows)
    capsys.readouterr()
    throughput.main(command)
    last = capsys.readouterr().out.splitlines()
    assert len(last) == 2
    assert "mixtures are fastest as" in last[1]
    assert json.loads((tmp_path / "out.json").read_text())["rows"] == rows
    with pytest.raises(SystemExit):
        throughput.main([*command, "--channels", "4"])


def test_on_a_device_a_captured_step_asks_nobody(capsys):
    form = {"graph, batched": ({"batched": True}, "graph")}
    small = ["--size", "8", "--channels", "2", "--cells", "1", "--steps", "1", "--repeats", "1", "--batch", "2"]
    with pytest.MonkeyPatch.context() as patch, far_device():
        patch.setattr(throughput, "FORMS", form)
        patch.setattr(throughput, "rates", lambda device, **options: {"copy": 1e9, "float32": 1e9, "bfloat16": 1e9})
        throughput.main(small)
    out = capsys.readouterr().out
    assert out.count("images/s") == 2
    assert "broke" not in out


def first(tmp_path, *options, device="cpu"):
    """Checks that are made, and what the file says of them."""
    to = tmp_path / "first_call.json"
    code = first_call.main(["--device", device, "--tests", "", "--to", str(to), *options])
    return code, json.loads(to.read_text()) if to.exists() else {}


@pytest.mark.long
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_first_call_tries_passes_latency_and_searchers(device, tmp_path, capsys):
    with far_device() if device == "cuda" else contextlib.nullcontext():
        passes = "passes" if device == "cpu" else "batched"  # torch for the CPU has no autocast for CUDA
        for only in ("device", passes, "latency", "energy", "searcher spos", "searcher darts"):
            assert first(tmp_path, "--only", only, device=device)[0] == 0
    known = first(tmp_path, "--only", "nothing", device=device)[1]
    assert all(it["state"] == "well" for it in known.values())
    assert ("mobench latency, graph" in known) == (device == "cuda")
    assert "lines twice" in known["searcher darts"]["said"]
    assert "0 broke" in capsys.readouterr().out
    assert set(first_call.learners()) > {"spos", "darts", "modnas", "scalarization"}


def test_what_breaks_is_said_and_tried_again_and_the_rest_goes_on(tmp_path, monkeypatch, capsys):
    answers = iter([1.0, 2.0])
    checks = {"first": lambda: str(next(answers) / 0), "second": lambda: "fine"}
    monkeypatch.setattr(first_call, "checks", lambda *_: checks)
    code, known = first(tmp_path)
    assert (code, known["first"]["state"], known["second"]["state"]) == (1, "broke", "well")
    assert known["first"]["said"] == "ZeroDivisionError: float division by zero"
    checks["first"], checks["second"] = lambda: "mended", lambda: 1 / 0
    assert first(tmp_path)[0] == 0  # the second was well, and is left alone
    assert first(tmp_path, "--minutes", "0")[0] == 0
    checks["third"] = lambda: "late"
    assert first(tmp_path, "--minutes", "0")[0] == 1
    assert "1 not reached" in capsys.readouterr().out


def test_the_first_call_compares_passes_and_logs(tmp_path):
    assert first(tmp_path, "--only", "batched")[0] == first(tmp_path, "--only", "searcher spos")[0] == 0
    with far_device():
        assert first(tmp_path / "there", "--only", "batched", device="cuda")[0] == 0


def test_searchers_whose_logs_differ_are_found(monkeypatch):
    class Unsteady:
        def __init__(self):
            self.runs = 0

        def run(self, name, problem, *, folder, **options):
            self.runs += 1
            folder.mkdir()
            (folder / "log.jsonl").write_text(f"same\n{self.runs}\n")

    monkeypatch.setattr(first_call, "mobench", Unsteady())
    with pytest.raises(ArithmeticError, match="differ from line 1 on"):
        first_call.searcher("spos", "cpu")


@pytest.mark.long
def test_tests_that_fail_are_named(tmp_path):
    (tmp_path / "test_two.py").write_text("def test_well():\n    pass\n\n\ndef test_ill():\n    assert 1 == 2\n")
    with pytest.raises(RuntimeError, match=r"FAILED .*test_ill.*1 failed, 1 passed"):
        first_call.run_tests(str(tmp_path / "test_two.py"), lambda: 60.0)
    (tmp_path / "test_two.py").write_text("def test_well():\n    pass\n")
    assert "1 passed" in first_call.run_tests(str(tmp_path / "test_two.py"), lambda: 60.0)


CAMPAIGNS = ("live_motif", "live_fashion")
TINY = {
    "motif": {"batch": 16},
    "two_level": {"dataset": "motif", "data": "", "images": 64, "epochs": 1, "batch": 32, "channels": 2, "cells": 1},
}


def tiny(problem, device):
    """The problem of a campaign, small and on a device."""
    name, options = problem
    options = dict(options) | TINY[name] | {"device": device}
    if "objectives" in options:
        options["objectives"] = ["error", "latency:cuda_b64_graph" if device == "cuda" else "latency:cpu_b64"]
    return {"name": name} | options


@pytest.mark.long
@pytest.mark.parametrize("name", CAMPAIGNS)
def test_campaigns_are_of_the_device_and_run_small(name, tmp_path, monkeypatch):
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "data"))
    entries = tomllib.loads((HERE / f"{name}.toml").read_text())
    assert all("device=cuda" in problem for problem in entries["problems"])
    problems = [parse_reference(problem) for problem in entries["problems"]]
    searchers = ["spos", "scalarization"]
    budget = {"trainings": 3 if name == "live_fashion" else 0.02}
    with far_device():  # all its searchers have their options and fit the problem
        whole = make_campaign(entries | {"problems": [tiny(it, "cuda") for it in problems]})
        assert len(whole.searchers) == len(entries["searchers"])
        for searcher in searchers:
            options = tiny(problems[0], "cuda")
            result = mobench.run(searcher, make_problem(options.pop("name"), options), budget=budget, progress=False)
            assert result.spent.flops > 0
    small = {"searchers": searchers, "seeds": 1, "budget": budget}
    made = make_campaign(entries | small | {"problems": [tiny(it, "cpu") for it in problems]})
    mobench.run_campaign(made, tmp_path / "results", workers=1, progress=False)
    scores = mobench.load(tmp_path / "results").scores
    assert sorted(scores["searcher"]) == ["scalarization", "spos"]


def test_the_motif_campaign_has_every_gradient_and_bilevel_searcher():
    asked = {parse_reference(it)[0] for it in tomllib.loads((HERE / "live_motif.toml").read_text())["searchers"]}
    families = {name: find("searcher", name).call.__module__.split(".")[-2] for name in first_call.learners()}
    assert {name for name, family in families.items() if family in ("gradient", "bilevel")} <= asked
