"""A module with choices as a search space: genes, shared weights, stand-alone networks, exact costs."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mobench.core.space import Array, Space
from mobench.live.extraction import gates_of, plain, walk
from mobench.live.genes import Gene, Quantity, Shares, passing
from mobench.live.module_checks import check_parts
from mobench.live.module_prices import priced, unfused
from mobench.live.training import initialised

__all__ = ["ModuleSpace"]

APART = 1e-2
"""Share of the largest output by which a mixture may miss its path at a corner: far above rounding behind norms of two
examples, far below what another order of units does."""


class ModuleSpace:
    """The search space that a module is.

    Parameters
    ----------
    module : nn.Module
        Holds layers of `mobench.live`; every other part is taken as it is. It is left in evaluation mode, in which
        shared weights are used: dropout is for stand-alone networks, which are given in training mode.
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
        No genes, two genes of one name, weights in two places, frozen ones or ones of another kind than inputs, running
        statistics or buffers that change, which no shared weights have, or sizes that do not meet.
    """

    def __init__(self, module: nn.Module, example: Tensor) -> None:
        self.module = module
        check_parts(module, example)
        self._gates = gates_of(module)
        self.genes = tuple(self._gates)
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
        leaves = {id(parameter): name for name, parameter in module.named_parameters()}
        self._places: list[tuple[dict[str, Any], str, str]] = [
            (part._parameters, leaf, leaves[id(parameter)])
            for part in module.modules()
            for leaf, parameter in part._parameters.items()
            if parameter is not None
        ]
        p = torch.tensor(self.mask / self.mask.sum(1, keepdims=True), dtype=torch.float32, device=example.device)
        self.uses, self.outputs = priced(module, dict(walk(module, Quantity.of(1))), example, self._shares(p))
        self._fresh = copy.deepcopy(module)  # later passes leave values with gradients behind, which have no copies

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

    def _moved(self, seed: int) -> dict[str, Tensor]:
        """Weights up to a tenth larger than the module's, and above zero where all are zero.

        What a pass takes from elsewhere then differs, and what a last layer of zeros would hide is seen.
        """
        generator, moved = torch.Generator().manual_seed(seed), self.weights()
        with torch.no_grad():
            for w in moved.values():
                drawn = torch.rand(w.shape, generator=generator).to(w)
                w.add_(0.1 * drawn * w if w.any() else 0.1 * drawn)
        return moved

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

        Raises
        ------
        ValueError, TypeError
            No architecture of this space.
        """
        (x,), module = self.space.check(x), copy.deepcopy(self._fresh)
        weights = dict(self.module.named_parameters()) if weights is None else weights
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.copy_(weights[name])
        shares = {gene: Shares((int(k),), None) for gene, k in zip(self.genes, x, strict=True)}
        with passing(shares), torch.random.fork_rng(devices=[]):  # torch's layers draw weights of their own
            return plain(module).train()

    def _covering(self, n: int, seed: int) -> list[Array]:
        """The first n of a thousand random architectures, and the others that have an option not seen before."""
        X = self.space.sample(np.random.default_rng(seed), max(n, 1000))
        seen: set[tuple[int, int]] = set()
        found = []
        for i, (x, inactive) in enumerate(zip(X, self.inactive(X), strict=True)):
            options = {(j, int(k)) for j, k in enumerate(x) if not inactive[j]}
            if i < n or options - seen:
                found.append(x)
                seen |= options
        return found

    def check(self, *inputs: Tensor, n: int = 20, seed: int = 0) -> None:
        """Compare random paths with their stand-alone networks (outputs, multiply-adds, parameters) and with mixtures.

        They are n, and more until every option has been looked at.

        Raises
        ------
        ValueError
            They differ, a path does not run, or it answers what nothing is learned from; the message names the
            architecture and the likely cause.
        """
        weights, everything = self._moved(seed), torch.as_tensor(self.mask)
        for x in self._covering(n, seed):
            network, said = self.extract(x, weights).to(inputs[0].device), self.decode(x[None])[0]
            for part in network.eval().modules():  # as in a pass: no dropout, and norms by the batch
                part.train(isinstance(part, nn.modules.batchnorm._NormBase))
            try:
                with unfused():
                    path, again = (self(weights, self.one_hot(x), *inputs) for _ in range(2))
                    with FlopCounterMode(display=False) as counter, torch.no_grad():
                        output = network(*inputs)
            except RuntimeError as error:
                raise ValueError(f"{said}: {error}; do the sizes that meet come from one gene?") from error
            if not path.requires_grad:
                raise ValueError(f"{said}: the output has no gradient; leave no_grad and detach out of forward")
            path, again = path.detach(), again.detach()
            if not torch.isfinite(path).all():
                raise ValueError(f"{said}: outputs are not finite; is a logarithm or a quotient without a bound?")
            if not torch.allclose(path, again, rtol=1e-4, atol=1e-5):
                raise ValueError(
                    f"{said}: two passes over the same inputs differ: forward draws random numbers; draw them in "
                    "training only, dropout(x, rate, self.training)"
                )
            try:
                torch.testing.assert_close(path, output, rtol=1e-4, atol=1e-5)
            except AssertionError as error:
                raise ValueError(
                    f"{said}: path and network differ: {' '.join(str(error).split())}; take weights from the layers "
                    "that hold them, not from lists of them, and write hooks into forward"
                ) from error
            with torch.no_grad():
                mixture = self(weights, self.one_hot(x), *inputs, computed=everything)
            if mixture.shape != path.shape:
                raise ValueError(
                    f"{said}: the output's size depends on genes, {tuple(path.shape)} here; give it a number"
                )
            if not float((mixture - path).abs().max()) <= APART * float(path.abs().max()):
                raise ValueError(
                    f"{said}: as a mixture at this corner it answers otherwise: units that options share are not the "
                    "first ones everywhere (chunk, cat, tokens flattened with their channels), or they meet outside "
                    "layers (softmax or a norm over channels); use a layer for each part, ElasticLayerNorm for norms"
                )
            counted = [counter.get_total_flops() / 2 / len(inputs[0]), sum(w.numel() for w in network.parameters())]
            if counted != (priced := self.costs(x[None])[0].tolist()):
                raise ValueError(
                    f"{said}: flops and params are {counted}, priced at {priced}; products outside layers need "
                    "`own_flops(outputs)` in their module"
                )
            try:
                initialised(network.cpu(), (0, 0))
            except Exception as error:  # it is a user's method, on other parts than it was written for
                raise ValueError(
                    f"{said}: reset_parameters: {error}; an architecture has what was chosen in place of a Choice, and "
                    "the first blocks alone of a depth: let each class begin its own layers"
                ) from error
