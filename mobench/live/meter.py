"""The meter: what is computed with a supernet is charged, forward passes before, backward passes while they run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor
from torch.autograd import Function

Charge = Callable[[float], None]
"""``charge(flops)``: it raises BudgetExhausted where the budget is spent, and nothing has been computed then."""

FORWARD, BACKWARD, SECOND = 1.0, 2.0, 6.0
"""Prices of a pass in units of the forward pass: a training step costs 3, each Hessian-vector product 6 more.

Multiply-adds counted by `torch.utils.flop_counter` on the cell supernet, mixtures and paths: a backward pass takes 1.97
to 1.99 (0.9 by the operations' shares alone), a second one 5.97 to 6.02 by the weights, 4.9 by the shares.
"""


def metered(compute: Callable[[], Tensor], *, flops: float, charge: Charge, second_order: bool = True) -> Tensor:
    """Charge a forward pass, run it, and have every later backward pass through its loss charged.

    A pass is charged whenever autograd runs it: two backward passes through one loss cost two, and each second
    backward pass (a Hessian-vector product, a mixed product, a gradient through an unrolled step) costs `SECOND`.
    Passes that `torch.func.vmap` batches are charged each. What cannot be metered is refused with an error:
    ``is_grads_batched``, forward-mode differentiation, `vmap` over the loss itself, and recording a pass (``make_fx``,
    `torch.jit.trace`, `torch.compile`, a CUDA graph), for what is recorded runs again without a charge.

    Parameters
    ----------
    compute : callable
        Gives the loss, a scalar tensor.
    flops : float
        Multiply-adds of one forward pass over the batch.
    charge : callable
        Called before `compute`, and from within autograd before each later pass; what it raises there comes out of
        ``backward`` as it is.
    second_order : bool
        Whether its arithmetic is precise enough for second backward passes; where not, they are refused.

    Returns
    -------
    Tensor
        The loss, unchanged.

    Raises
    ------
    BudgetExhausted
        By `charge`, when the budget is spent: here, or in a later pass. Nothing has been computed then.
    RuntimeError
        The pass is being recorded, or cannot be counted.
    """
    _refuse_recording()
    charge(FORWARD * flops)
    loss: Tensor = _Mark.apply(compute(), charge, flops, second_order)  # type: ignore[no-untyped-call]
    return loss


def _refuse_recording() -> None:
    """RuntimeError where torch writes down what is computed now, to run it later."""
    proxies = sys.modules.get("torch.fx.experimental.proxy_tensor")  # where it was never imported, it records nothing
    if (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        or (proxies is not None and proxies.get_proxy_mode() is not None)
        or (torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing())  # type: ignore[no-untyped-call]
    ):
        raise RuntimeError("a recorded pass would run again without a charge; record only what lies behind it")


class _Mark(Function):
    """The identity at a loss; the gradient that enters it pays for a backward pass."""

    @staticmethod
    def forward(loss: Tensor, charge: Charge, flops: float, second_order: bool) -> Tensor:
        """Hand the loss through."""
        return loss.view_as(loss)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep the loss: it ties the gradient's toll to the network (see `_Toll`)."""
        loss, ctx.charge, ctx.flops, ctx.second_order = inputs
        ctx.save_for_backward(loss)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        """Let the gradient pass the toll of a first backward pass."""
        (loss,) = ctx.saved_tensors
        toll: Tensor = _Toll.apply(  # type: ignore[no-untyped-call]
            gradients[0], loss, ctx.charge, BACKWARD * ctx.flops, ctx.flops, ctx.second_order
        )
        return toll, None, None, None


class _Toll(Function):
    """The identity on a gradient, charged each time it runs.

    It names the loss as an input although it does not use it: a second backward pass, which reaches the first one's
    incoming gradient but wants the derivative by weights or architecture only, would be cut short before this node
    if no path led from here to them.
    """

    @staticmethod
    def forward(
        gradient: Tensor, loss: Tensor, charge: Charge, price: float, flops: float, second_order: bool
    ) -> Tensor:
        """Charge, and hand the gradient through."""
        if is_legacy_batchedtensor(gradient):
            raise RuntimeError("is_grads_batched: its passes cannot be counted; use torch.func.vmap or a loop instead")
        _refuse_recording()
        charge(price)
        return gradient.view_as(gradient)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep what the next order needs."""
        _, loss, ctx.charge, _, ctx.flops, ctx.second_order = inputs
        ctx.save_for_backward(loss)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Let the second-order gradient pass its own toll."""
        if not ctx.second_order:
            raise ValueError(
                "autocast: second derivatives are far off in bfloat16; leave autocast out, or take a first-order method"
            )
        (loss,) = ctx.saved_tensors
        toll: Tensor = _Toll.apply(  # type: ignore[no-untyped-call]
            gradients[0], loss, ctx.charge, SECOND * ctx.flops, ctx.flops, ctx.second_order
        )
        return toll, None, None, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int | None]:
        """Charge every pass of a batch of them."""
        gradient, _, charge, price, *_ = inputs
        charge(price * info.batch_size)
        return gradient.view_as(gradient), in_dims[0]
