"""A small database and data folder for the package evoxbench, in its own layout, with numbers of ours.

Tables are made by the package's own models; surrogates are networks of a few random weights.
"""

import itertools
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mobench import nondominated
from mobench.problems._cells.space import all_cells, flops, params, to_strings

APPS = ("ORM", "darts", "mobilenetv3", "nasbench101", "nasbench201", "nasbenchbase", "natsbenchsss", "resnet50")
MOP5 = ("edgegpu_latency", "edgegpu_energy")
MOP6 = ("eyeriss_latency", "eyeriss_energy", "eyeriss_arithmetic_intensity")
COSTS = ("err", "params", "flops")
RANKNET = 68
"""Inputs of CitySeg's surrogate: genes of CitySeg's space, one-hot."""
OPS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")


def package():
    """The folder of the installed package."""
    return Path(find_spec("evoxbench").submodule_search_locations[0])


def lay_out(home):
    """Folders `database` (no tables yet) and `data` in `home`, and the file that tells the package where they are."""
    for app in APPS:
        shutil.copytree(package() / "database" / app, home / "database" / app)
    for write in (write_darts, write_resnet, write_transformer, write_mobilenet, write_city):
        write(home / "data")
    configuration = home / ".config" / "evoxbench" / "config.json"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(json.dumps({"database": str(home / "database"), "model": str(home / "data")}))


def fill(data):
    """Make the tables of NAS-Bench-101, NAS-Bench-201 and NATS-Bench, and write their fronts. Django is set up."""
    from django.db import connection
    from nasbench101.models import NASBench101Result
    from nasbench201.models import NASBench201Result
    from natsbenchsss.models import NATSBenchResult

    with connection.schema_editor() as editor:
        for model in (NASBench101Result, NASBench201Result, NATSBenchResult):
            editor.create_model(model)
    fill_cells(NASBench201Result, data / "nb201")
    fill_sizes(NATSBenchResult, data / "nats")
    fill_graphs(NASBench101Result, data / "nb101")


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def write_front(folder, names, archs, F, problems):
    """The files of a Pareto front and a Pareto set: one entry for each problem's objectives."""
    front, chosen = {}, {}
    for objectives in problems:
        columns = F[:, [names.index(name) for name in objectives]]
        best = nondominated(columns)
        front["&".join(objectives)] = columns[best].tolist()
        chosen["&".join(objectives)] = [arch for arch, good in zip(archs, best, strict=True) if good]
    write(folder / f"{folder.name}_pf.json", front)
    write(folder / f"{folder.name}_ps.json", chosen)


# --- tables ----------------------------------------------------------------------------------------------------------


def fill_cells(model, folder):
    """The 729 cells of NAS-Bench-201 without 1x1 convolutions and poolings: costs by the formulas, the rest ours."""
    X, rng = all_cells(), np.random.default_rng(201)
    X = X[np.isin(X, (0, 1, 3)).all(axis=1)]
    strings, n = to_strings(X), len(X)
    test = 80 - 10 * (X == 3).sum(axis=1) - 5 * (X == 1).sum(axis=1) + rng.random(n)
    F = [test, params(X) / 1e6, flops(X) / 1e6, *(rng.random((5, n)) + 1 + (X > 0).sum(axis=1) / 6)]
    names = (*COSTS, *MOP5, *MOP6)
    F = np.column_stack(F).round(6)
    model.objects.bulk_create(
        model(
            index=i,
            phenotype=strings[i],
            cost200={"cifar10": {"params": F[i, 1], "flops": F[i, 2]}},
            hw_info={"cifar10": dict(zip(names[3:], F[i, 3:].tolist(), strict=True))},
            more_info={
                "cifar10": {"hp200": [{"test-accuracy": 100 - F[i, 0]}]},
                "cifar10-valid": {"hp200": [{"valid-accuracy": 99 - F[i, 0] - k} for k in range(3)]},
            },
        )
        for i in range(n)
    )
    write_front(folder, names, strings, F, [(*COSTS, *MOP5), (*COSTS, *MOP6), names])


def fill_sizes(model, folder):
    """Some two hundred channel counts of NATS-Bench's size space: those with genes 0, 3 and 7."""
    X = np.array(list(itertools.product((0, 3, 7), repeat=5)))
    strings = [":".join(str(8 * gene + 8) for gene in x) for x in X.tolist()]
    total = X.sum(axis=1) + 1.0
    F = np.column_stack([60 - total, total / 100, total * 5, 0.01 + X[:, 0] / 1000])
    model.objects.bulk_create(
        model(
            index=i,
            phenotype=strings[i],
            cifar10={"hp90": [{"test-accuracy": 100 - F[i, 0]}]},
            cifar10_valid={"hp90": [{"valid-accuracy": 99 - F[i, 0] - k} for k in range(3)]},
            cifar100={},
            ImageNet16_120={},
            cost={"cifar10": {"hp90": dict(zip(("params", "flops", "latency"), F[i, 1:].tolist(), strict=True))}},
        )
        for i in range(len(X))
    )
    write_front(folder, (*COSTS, "latency"), strings, F, [COSTS, (*COSTS, "latency")])


def graphs():
    """Chains of three to seven nodes in NAS-Bench-101, as the package writes cells."""
    for nodes in (3, 4, 5, 7):
        for op in OPS:
            yield {"matrix": np.eye(nodes, k=1, dtype=int).tolist(), "ops": ["input", *[op] * (nodes - 2), "output"]}


def fill_graphs(model, folder):
    """A few chains of NAS-Bench-101, by the package's own hashes."""
    from evoxbench.benchmarks.nb101 import NASBench101Graph

    cells = list(graphs())
    rows = []
    for i, cell in enumerate(cells):
        key = NASBench101Graph(matrix=cell["matrix"], ops=list(cell["ops"])).hash_spec(list(OPS))
        accuracy = {"epoch108": [0.9 - i / 100, 0.88 - i / 100, 0.86 - i / 100]}
        costs = {"params": 3e6 - 1e5 * i, "flops": 1e9 - 1e7 * i}
        rows.append(model(index=key, final_test_accuracy=accuracy, final_validation_accuracy=accuracy, **costs))
    model.objects.bulk_create(rows)
    F = np.array([[1 - np.mean(row.final_test_accuracy["epoch108"]), row.params, row.flops] for row in rows])
    write_front(folder, COSTS, cells, F, [("err", "params"), COSTS])


# --- surrogates ------------------------------------------------------------------------------------------------------


def nested(*levels, leaf=1):
    """Dictionaries in dictionaries: every key of every level, and numbers that differ by the keys above them."""
    if not levels:
        return leaf
    return {str(key): nested(*levels[1:], leaf=leaf + i + 1) for i, key in enumerate(levels[0])}


def predictor(inputs, seed):
    """An accuracy predictor: three networks of three hidden layers."""
    rng = np.random.default_rng(seed)
    shapes = [(4, inputs), (4, 4), (4, 4), (1, 4)]

    def network():
        layers = {}
        for i, shape in enumerate(shapes, start=1):
            layers |= {f"W{i}": (rng.random(shape) / inputs).tolist(), f"b{i}": rng.random(shape[0]).tolist()}
        return layers | {"normalization_factor": [0.5, 10.0]}

    return {"state_dicts": [network() for _ in range(3)], "remap_factor": [0.7, 0.2], "base_acc": 0.1}


def write_predictors(folder, inputs):
    write(folder / "valid_acc_predictor_checkpoint.json", predictor(inputs, 1))
    write(folder / "test_acc_predictor_checkpoint.json", predictor(inputs, 2))


def write_darts(data):
    """Operations of DARTS at the three widths and sizes of its cells."""
    write_predictors(data / "darts", 2 * sum(7 + 7 + 2 * inputs for inputs in (2, 3, 4, 5)))
    poolings, convolutions = ("avg_pool_3x3", "max_pool_3x3"), ("sep_conv", "dil_conv")
    names = ("skip_connect", *poolings, *(f"{name}_{k}x{k}" for name in convolutions for k in (3, 5)))
    costs, macs = {}, {}
    for i, name in enumerate(names):
        for width, stride in itertools.product((32, 64, 128), (1, 2)):
            key = f"op/{name}/C:{width}/stride:{stride}/affine:True"
            costs[key] = 10 * i * width
            for size in (32, 16, 8):
                macs[f"{key}/input_shape:{(1, width, size, size)}"] = 1000 * i * width // stride
    write(data / "darts" / "profile_data.json", {"params": costs, "macs": macs})


def write_resnet(data):
    """Blocks of ResNet-50D."""
    write_predictors(data / "resnet", 8 + 2 + 6 * 3 + 18 * 3)
    widths = ((40, 48, 64), (168, 208, 256), (336, 408, 512), (664, 816, 1024), (1328, 1640, 2048))
    rest = {"input_stem": nested(range(3), range(3), (0, 2)), "LinearLayer": nested(widths[-1])}
    blocks, kinds = {}, {}
    for i, (before, after) in enumerate(itertools.pairwise(widths)):
        block = (before + after, after, (1, 2), (0.2, 0.25, 0.35))
        blocks[i], kinds[i] = nested(*block, leaf=1000), nested(*block, ("head", "follow"), leaf=1000)
    write(data / "resnet" / "params_model.json", rest | {"ResNetBottleneckBlock": blocks})
    tables = rest | {"ResNetBottleneckBlock": kinds}
    sizes = (128, 144, 160, 176, 192, 224, 240, 256)
    write(data / "resnet" / "flops_model.json", {str(size): tables for size in sizes})


def write_transformer(data):
    """AutoFormer, whose costs the package computes."""
    write_predictors(data / "transformer", 3 + 3 + 16 * 3 + 16 * 2)


def write_mobilenet(data):
    """Blocks of MobileNetV3 and their latencies."""
    folder, sizes = data / "mnv3", (160, 176, 192, 208, 224)
    write_predictors(folder, 128)
    rest = ((3, 5, 7), (3, 4, 6), (1, 2), ("relu", "h_swish"), ("true", "false"))
    steps = [*itertools.pairwise((24, 32, 48, 96, 136, 192)), (192, 192)]
    blocks = {width: nested({width, after}, *rest, leaf=100) for width, after in steps}
    write(folder / "params_model.json", {"MBConvLayer": blocks, "OtherLayer": 5})
    for_size = {}
    for size in sizes:
        pixels = {size // 2} | {-(-size // 2**k) for k in range(1, 6)}
        table = {width: nested({width, after}, sorted(pixels), *rest, leaf=size) for width, after in steps}
        for_size[str(size)] = {"MBConvLayerBlock": table, "FirstBlockLayer": 3, "LastLayers": 4}
        (folder / "note10").mkdir(parents=True, exist_ok=True)
        lines = (f"{key}: {{mean: {1 + len(key) % 7}}}" for key in latency_keys(size))
        (folder / "note10" / f"{size}_lookup_table.yaml").write_text("\n".join(dict.fromkeys(lines)))
    write(folder / "flops_model.json", for_size)


def latency_keys(size):
    """The layers that a network for images of `size` may have, as the latency table names them."""
    half = (size + 1) // 2
    yield f"Conv-input:{size}x{size}x3-output:{half}x{half}x24"
    shapes = "expanded_conv-input:{0}x{0}x{1}-output:{2}x{2}x{3}"
    layer = shapes + "-expand:{4}-kernel:{5}-stride:{6}-idskip:{7}-se:{8}-hs:{9}"
    yield layer.format(half, 24, half, 24, 24, 3, 1, 1, 0, 0)
    before, pixels = 24, half
    stages = ((32, 2, 0, 0), (48, 2, 0, 1), (96, 2, 1, 0), (136, 1, 1, 1), (192, 2, 1, 1))
    for width, stride, swish, se in stages:
        after = int((pixels - 1) / stride + 1)
        for kernel, ratio in itertools.product((3, 5, 7), (3, 4, 6)):
            yield layer.format(pixels, before, after, width, round(before * ratio), kernel, stride, 0, se, swish)
            yield layer.format(after, width, after, width, round(width * ratio), kernel, 1, 1, se, swish)
        before, pixels = width, after
    yield f"Conv_1-input:{pixels}x{pixels}x192-output:{pixels}x{pixels}x1152"
    yield f"AvgPool2D-input:{pixels}x{pixels}x1152-output:1x1x1152"
    yield "Conv_2-input:1x1x1152-output:1x1x1536"
    yield "Logits-input:1x1x1536-output:1000"


def write_city(data):
    """MoSegNAS: ten networks for the error, and costs of heads and cells."""
    rng = np.random.default_rng(3)
    networks = {}
    for i in range(40):
        shape = ((5, RANKNET), (5, 5), (5, 5), (1, 5))[i % 4]
        networks |= {f"W{i + 1}": (rng.random(shape) / 20).tolist(), f"b{i + 1}": (rng.random(shape[0]) / 20).tolist()}
    write(data / "moseg" / "ranknet_mIoU.json", networks)
    names = ("batch_params", "batch_flops", "h1_latency", "h2_latency", "h1_consumption", "h2_consumption")
    scales = np.array([132512, 331067392, 1.9741, 58.746, 678.07, 734.33])
    ratios, pairs = (0.2, 0.25, 0.35), itertools.combinations_with_replacement((0.2, 0.25, 0.35), 2)
    rows = []
    for depth, widths in itertools.product(range(3), list(pairs)):
        costs = scales * (1 + depth / 4 + sum(widths) - 0.4)
        config = {"depth": [depth], "width_mult": list(widths)}
        rows.append({"type": "HEAD", "config": config} | dict(zip(names, costs.tolist(), strict=True)))
    for count in (3, 4):
        expands = itertools.combinations_with_replacement(ratios, count)
        for depth, expand, width in itertools.product(range(1, count), list(expands), ratios):
            costs = scales * (1 + depth / 8 + sum(expand) / 8 + width / 8)
            cell = {"type": "CELL", "d": [0, depth], "e": list(expand), "w": [0.2, 0.2, width]}
            rows.append(cell | dict(zip(names, costs.tolist(), strict=True)))
    write(data / "moseg" / "ofa_fanet_plus_bottleneck_rtx_params_flops_lookup_ALL.json", rows)
