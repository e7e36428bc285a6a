"""A module with choices as a search space: genes, shared weights, stand-alone networks, exact costs."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mobench.core.space import Array, Space
from mobench.live.extraction import elastic, holds, plain, quantities, walk
from mobench.live.genes import Gene, Quantity, Shares, passing
from mobench.live.layers import Choice, Elastic, ElasticDepth

__all__ = ["ModuleSpace"]


class Use(NamedTuple):
    """What a part of the module costs an example, where it exists: multiply-adds and parameters."""

    flops: Quantity
    params: Quantity


class ModuleSpace:
    """The search space that a module is.

    Parameters
    ----------
    module : nn.Module
        Holds layers of `mobench.live`; every other part is taken as it is.
    example : Tensor
        A batch of inputs: one pass through everything finds the shapes, and with them the costs. Products that a
        module computes itself, attention's say, are priced by its ``own_flops(outputs)``, a `Quantity` a call.

    Attributes
    ----------
    genes : tuple of Gene
        In the order in which a walk over the modules meets them; a gate comes before what it gates.
    space : Space
        Their options by name; genes of layers that an architecture does not have are inactive in it.

    Raises
    ------
    ValueError
        No genes, two genes of one name, a module in two places, running statistics, which no shared weights have, or
        sizes that do not meet.
    """

    def __init__(self, module: nn.Module, example: Tensor) -> None:
        self.module, self.uses = module, list[Use]()
        places: dict[nn.Module, Quantity] = {}
        gates: dict[Gene, list[Quantity]] = {}
        for part, gate in walk(module, Quantity.of(1)):
            if part in places:
                raise ValueError(f"{type(part).__name__}: one module, two places; share genes, not modules")
            _check(part)
            places[part] = gate
            own = (part.gene,) if isinstance(part, Choice | ElasticDepth) else ()
            for gene in (*own, *(g for q in quantities(part) for g in q.genes)):
                gates.setdefault(gene, []).append(gate)
        self._gates, self.genes = gates, tuple(gates)
        names = tuple(gene.name for gene in self.genes)
        if not names:
            raise ValueError(
                "genes: the module holds none; give a layer of mobench.live a Gene for a size, or a Choice"
            )
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"genes: several are called {', '.join(twice)}; share one by its object, or name them apart"
            )
        sizes = tuple(len(gene.options) for gene in self.genes)
        self.space = Space(
            sizes, names, inactive=self.inactive, values=tuple(tuple(gene.options) for gene in self.genes)
        )
        self.mask: Array = np.arange(max(sizes)) < np.array(sizes)[:, None]
        self._known: dict[tuple[tuple[int, ...], ...], float] = {}
        self._places = [
            (part._parameters, leaf, f"{name}.{leaf}" if name else leaf)
            for name, part in module.named_modules()
            for leaf, parameter in part._parameters.items()
            if parameter is not None
        ]
        self._price(places, example)

    def _price(self, places: Mapping[nn.Module, Quantity], example: Tensor) -> None:
        """Run everything once with equal shares, and note what each part is asked to do."""
        shapes: dict[nn.Module, list[Any]] = {part: [] for part in places}
        counters: dict[nn.Module, FlopCounterMode] = {}

        def before(part: nn.Module, _: Any) -> None:
            if not elastic(part) and not holds(part) and not _free(part):
                counters[part] = FlopCounterMode(display=False)
                counters[part].__enter__()  # type: ignore[no-untyped-call]

        def after(part: nn.Module, _: Any, output: Any) -> None:
            if part in counters:
                counters[part].__exit__(None, None, None)  # type: ignore[no-untyped-call]
                shapes[part].append(counters.pop(part).get_total_flops() / 2)  # the counter counts two
            elif elastic(part) or holds(part):
                shapes[part].append(getattr(output, "shape", None))

        hooks = [p.register_forward_pre_hook(before) for p in places] + [p.register_forward_hook(after) for p in places]
        p = torch.tensor(self.mask / self.mask.sum(1, keepdims=True), dtype=torch.float32, device=example.device)
        try:
            with torch.no_grad(), passing(self._shares(p)):
                self.outputs: Any = self.module(example)
        except RuntimeError as error:
            raise ValueError(
                f"inputs of shape {tuple(example.shape)}: {error}; does the first layer take these, and do the sizes "
                "that meet come from one gene?"
            ) from error
        finally:
            for hook in hooks:
                hook.remove()
        for part, gate in places.items():
            self.uses.append(_use(part, gate, shapes[part], len(example)))

    @cached_property
    def _totals(self) -> list[list[Quantity]]:
        """Multiply-adds and parameters, one quantity for each set of genes."""
        found: list[dict[tuple[Gene, ...], Quantity]] = [{}, {}]
        for use in self.uses:
            for totals, q in zip(found, use, strict=True):
                key = tuple(sorted(q.genes, key=self.genes.index))
                totals[key] = q + totals[key] if key in totals else q
        return [list(totals.values()) for totals in found]

    def inactive(self, X: Array) -> Array:
        """Which genes of (n, d) rows no layer of the architecture looks at; (n, d) bool."""
        active = [np.max([gate.at(X, self.genes) for gate in self._gates[gene]], axis=0) for gene in self.genes]
        found: Array = np.column_stack(active) == 0
        return found

    def decode(self, X: Array) -> list[str]:
        """The genes that matter, by name: ``depth=2 block0.kernel=3 ...``, one text a row."""
        written = zip(*self.space.written(X), strict=True)
        return [
            " ".join(f"{gene.name}={value}" for gene, value in zip(self.genes, row, strict=True) if value != "")
            for row in written
        ]

    def costs(self, X: Array) -> Array:
        """Multiply-adds an example and parameters of (n, d) architectures, exact: (n, 2)."""
        X = np.asarray(X)
        return np.column_stack([np.sum([q.at(X, self.genes) for q in terms], axis=0) for terms in self._totals]).astype(
            float
        )

    def expected_costs(self, p: Tensor) -> Tensor:
        """The expectation of `costs` under independent genes of shares p, (d, k): exact, differentiable; (2,)."""
        rows = self.rows(p)
        return torch.stack([torch.stack([q.expected(rows) for q in terms]).sum() for terms in self._totals])

    def rows(self, p: Tensor) -> dict[Gene, Tensor]:
        """Each gene's own shares of p, (d, k)."""
        return {gene: row[: len(gene.options)] for gene, row in zip(self.genes, p.unbind(), strict=True)}

    def expected_options(self, p: Tensor) -> Tensor:
        """Probability that each option is chosen and its gene active, (sum of options,): 0 or 1 at an architecture."""
        rows, found = self.rows(p), []
        for gene in self.genes:
            options = len(gene.options)
            for k in range(options):
                chosen = Quantity((gene,), (np.arange(options) == k).astype(float))
                found.append((self._exists(gene) * chosen).expected(rows))
        return torch.stack(found)

    def _exists(self, gene: Gene) -> Quantity:
        """1 where any layer looks at the gene."""
        first, *others = self._gates[gene]
        for gate in others:
            first = first if gate is first else first._with(gate, np.maximum)
        return first

    def computed(self, p: Tensor, computed: Tensor | None = None) -> float:
        """Multiply-adds an example of a forward pass under p (and what `computed` names): what the meter charges."""
        shares = self._shares(p, computed)
        key = tuple(shares[gene].support for gene in self.genes)
        if key not in self._known:
            with passing(shares):
                self._known[key] = float(sum(use.flops.top() for use in self.uses))
        return self._known[key]

    def one_hot(self, x: Sequence[int] | Array) -> Tensor:
        """The shares of an architecture, (d, k)."""
        found = torch.zeros(self.mask.shape)
        found[torch.arange(len(self.genes)), torch.as_tensor(x)] = 1.0
        return found

    def weights(self) -> dict[str, Tensor]:
        """Copies of all parameters: leaves that require a gradient."""
        return {name: w.detach().clone().requires_grad_() for name, w in self.module.named_parameters()}

    def __call__(
        self, weights: Mapping[str, Tensor], p: Tensor, *inputs: Tensor, computed: Tensor | None = None
    ) -> Tensor:
        """The network of these weights under the shares p, (d, k): a path where they are one-hot, else a mixture.

        Options without a share are not computed, but for those that `computed`, (d, k) bool, names.
        """
        with passing(self._shares(p, computed)), self._with(weights):
            output: Tensor = self.module(*inputs)
        return output

    @contextmanager
    def _with(self, weights: Mapping[str, Tensor]) -> Iterator[None]:
        """Put weights in the parameters' places: `torch.func.functional_call`, a few times faster."""
        saved = [held[leaf] for held, leaf, _ in self._places]
        try:
            for held, leaf, name in self._places:
                held[leaf] = weights[name]
            yield
        finally:
            for (held, leaf, _), parameter in zip(self._places, saved, strict=True):
                held[leaf] = parameter

    def _shares(self, p: Tensor, computed: Tensor | None = None) -> dict[Gene, Shares]:
        found, wanted = {}, None if computed is None else computed.tolist()
        for j, (gene, values) in enumerate(zip(self.genes, p.detach().tolist(), strict=True)):
            options = range(len(gene.options))
            support = tuple(k for k in options if values[k] != 0.0 or (wanted is not None and wanted[j][k]))
            if not support:
                raise ValueError(f"p: {gene.name} has {len(gene.options)} options, and none of them has a share")
            alone = len(support) == 1 and values[support[0]] == 1.0 and not p.requires_grad
            found[gene] = Shares(support, None if alone else p[j])
        return found

    def extract(self, x: Sequence[int] | Array, weights: Mapping[str, Tensor] | None = None) -> nn.Module:
        """The stand-alone network of an architecture, (d,), in plain torch, with copies of its part of the weights.

        Layers of `mobench.live` are replaced by torch's; classes of the user's own stay what they are, with numbers
        for sizes. `torch.export` and pickle take it.
        """
        module = copy.deepcopy(self.module)
        if weights is not None:
            with torch.no_grad():
                for name, parameter in module.named_parameters():
                    parameter.copy_(weights[name])
        shares = {gene: Shares((int(k),), None) for gene, k in zip(self.genes, x, strict=True)}
        with passing(shares), torch.random.fork_rng(devices=[]):  # torch's layers draw weights of their own
            return plain(module)

    def check(self, *inputs: Tensor, n: int = 20, seed: int = 0) -> None:
        """Compare n random paths with their stand-alone networks: outputs, multiply-adds, parameters.

        Raises
        ------
        ValueError
            They differ, or a path does not run; the message names the architecture and the likely cause.
        """
        weights = self.weights()
        for x in self.space.sample(np.random.default_rng(seed), n):
            network, said = self.extract(x, weights).requires_grad_(False), self.decode(x[None])[0]
            network.to(inputs[0].device)  # torch's layers are made on the CPU
            try:
                with FlopCounterMode(display=False) as counter:
                    output = network(*inputs)
                with torch.no_grad():
                    torch.testing.assert_close(self(weights, self.one_hot(x), *inputs), output, rtol=1e-4, atol=1e-5)
            except RuntimeError as error:
                raise ValueError(f"{said}: {error}; do the sizes that meet come from one gene?") from error
            except AssertionError as error:
                raise ValueError(f"{said}: path and network differ: {error}") from error
            counted = [counter.get_total_flops() / 2 / len(inputs[0]), sum(w.numel() for w in network.parameters())]
            if counted != (priced := self.costs(x[None])[0].tolist()):
                raise ValueError(
                    f"{said}: flops and params are {counted}, priced at {priced}; products outside layers need "
                    "`own_flops(outputs)` in their module"
                )


def _free(part: nn.Module) -> bool:
    """Whether a part multiplies nothing: torch's own without weights. The counter takes seconds to import."""
    own = all(type(inner).__module__.startswith("torch.nn.") for inner in part.modules())
    return own and next(part.parameters(), None) is None


def _use(part: nn.Module, gate: Quantity, calls: Sequence[Any], n: int) -> Use:
    """What a part costs that was called on a batch of n examples."""
    flops, params = Quantity.of(0), Quantity.of(0)
    if isinstance(part, Elastic):
        params = part.costs(None)[1]
        flops = sum((part.costs(shape)[0] for shape in calls), flops)
    elif holds(part):
        params = params + sum(w.numel() for w in part.parameters(recurse=False))
        own: Any = getattr(part, "own_flops", None)
        flops = sum((own(shape) for shape in calls), flops) if own else flops
    else:
        flops, params = flops + sum(calls), params + sum(w.numel() for w in part.parameters())
    flops = gate * flops
    return Use(Quantity(flops.genes, flops.table / n), gate * params)


def _check(part: nn.Module) -> None:
    """Refuse running statistics; dropout, which no address decides, is switched off in shared weights."""
    for inner in part.modules() if not holds(part) else [part]:
        if isinstance(inner, nn.modules.batchnorm._NormBase) and inner.track_running_stats:
            raise ValueError(
                f"{type(inner).__name__}: shared weights have no running statistics; use ElasticBatchNorm(width)"
            )
        if isinstance(inner, nn.modules.dropout._DropoutNd):
            inner.eval()
