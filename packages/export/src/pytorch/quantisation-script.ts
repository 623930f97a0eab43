/**
 * The weights of q4 in PyTorch, equal to the compiler's to the bit, for quantisation-aware
 * training.
 */
export const quantisationPy = `"""
Weights as q4 stores them, for training with them; written by Lamella. docs/decisions.md of Lamella defines the format: 32 columns
of a row share a half-precision scale, and codes are -8 to 7. The results are equal to the compiler's to the bit.
"""
import torch
from torch import nn
from torch.nn.utils import parametrize

GROUP = 32
LARGEST = 65504.0  # of a half


def stored(scale):
    """The nearest half, after rounding to float32."""
    return scale.clamp(-LARGEST, LARGEST).float().half().double()


def code(x):
    return x.round().clamp(-8, 7)


def total(terms):
    """The sum over the columns of [groups, 32], one after the other, so that it rounds as the compiler's."""
    sum = torch.zeros_like(terms[:, 0])
    for column in terms.unbind(1):
        sum = sum + column
    return sum


def scales(w):
    """The scale of each group of float64 weights [groups, 32]; 0 for a group of zeros."""
    largest = w.abs().amax(1, keepdim=True)
    hit = w.abs() == largest
    extreme = (w * (hit & (hit.cumsum(1) == 1))).sum(1)
    safe = torch.where(extreme == 0, torch.ones_like(extreme), extreme)

    importance = (total(w * w)[:, None] / GROUP + w * w).sqrt()
    most, best = torch.zeros_like(safe), torch.zeros_like(safe)
    for quarter in range(28, 37):
        codes = code(w * (-quarter / 4 / safe)[:, None])
        with_weights, with_codes = total(importance * codes * w), total(importance * codes * codes)
        explained = with_weights * with_weights / with_codes
        better = explained > most
        most, best = torch.where(better, explained, most), torch.where(better, with_weights / with_codes, best)
    scale = stored(best)

    # Weights that are codes times a half keep their scale; the largest divisor is tried last here, so that it wins.
    for divisor in range(-1, -9, -1):
        exact = safe / divisor
        kept = (stored(exact) == exact) & (code(w / exact[:, None]) * exact[:, None] == w).all(1)
        scale = torch.where(kept, exact, scale)
    return torch.where(extreme == 0, torch.zeros_like(scale), scale)


@torch.no_grad()
def q4(weight):
    """weight [rows, columns] -> the weights that q4 stores, in the same type."""
    rows, columns = weight.shape
    padded = nn.functional.pad(weight.double(), (0, -columns % GROUP))
    w = padded.reshape(-1, GROUP)
    scale = scales(w)[:, None]
    codes = code(w / torch.where(scale == 0, torch.ones_like(scale), scale))
    return (codes * scale).reshape(rows, -1)[:, :columns].to(weight.dtype)


class StraightThrough(torch.autograd.Function):
    """q4 forwards, the identity backwards (arXiv 1308.3432)."""

    @staticmethod
    def forward(_, weight):
        return q4(weight)

    @staticmethod
    def backward(_, gradient):
        return gradient


class Q4(nn.Module):
    """A parametrisation: the model computes with the weights that q4 stores, and the optimizer changes those beneath."""

    def forward(self, weight):
        return StraightThrough.apply(weight)


def train_quantised(model, names):
    """Parametrises the matrices with these names. \`model.tensors()\` then has the weights that q4 stores without loss."""
    for name in names:
        *path, leaf = name.split(".")
        parametrize.register_parametrization(model.get_submodule(".".join(path)), leaf, Q4())
`;
