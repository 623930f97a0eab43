/**
 * The weights of q4 and q8 in PyTorch, equal to the compiler's to the bit, for quantisation-aware
 * training.
 */
export const quantisationPy = `"""
Weights as q4 and q8 store them, for training with them; written by Lamella. docs/decisions.md of Lamella defines the formats: 32 columns
of a row share a half-precision scale, and codes are -8 to 7 or -128 to 127. The results are equal to the compiler's to the bit.
"""
from contextlib import contextmanager

import torch
from torch import nn

GROUP = 32
LARGEST = 65504.0  # of a half


def stored(scale):
    """The nearest half, after rounding to float32."""
    return scale.clamp(-LARGEST, LARGEST).float().half().double()


def total(terms):
    """The sum over the columns of [32, groups], one after the other, so that it rounds as the compiler's."""
    sum = torch.zeros_like(terms[0])
    for column in terms:
        sum = sum + column
    return sum


def ratio(x, y):
    """x / y, rounded once: PyTorch multiplies by a reciprocal where one of them is a number."""
    x, y = (part if torch.is_tensor(part) else torch.full_like(y if torch.is_tensor(y) else x, part) for part in (x, y))
    return x / y


def least_squares(w, extreme):
    """The scale of each group for codes -8 to 7: of nine, the one with the least squared error; large weights count more."""
    importance = (total(w * w) / GROUP + w * w).sqrt()
    most, best = torch.zeros_like(extreme), torch.zeros_like(extreme)
    for quarter in range(28, 37):
        codes = (w * ratio(-quarter / 4, extreme)).round().clamp(-8, 7)
        counted = importance * codes
        with_weights, with_codes = total(counted * w), total(counted * codes)
        explained = with_weights * with_weights / with_codes
        better = explained > most
        most, best = torch.where(better, explained, most), torch.where(better, with_weights / with_codes, best)
    return best


def exact(w, extreme, scale, lowest, extreme_codes):
    """The scales, but those of groups whose weights are codes times a half: the first code of \`extreme\` that gives them all counts."""
    short = extreme * (2.0**35 + 1)
    some = (short - (short - extreme) == extreme).nonzero().squeeze(1)  # 18 bits suffice for a half times a code
    w, extreme, found = w[:, some], extreme[some], scale[some]
    for code in reversed(extreme_codes):
        tried = ratio(extreme, code if lowest == -8 or code == -128 else code * extreme.sign())
        fits = (stored(tried) == tried) & ((w / tried).round().clamp(lowest, -1 - lowest) * tried == w).all(0)
        found = torch.where(fits, tried, found)
    scale[some] = found
    return scale


@torch.no_grad()
def quantised(weight, bits):
    """weight [rows, columns] -> the weights that q4 (4 bits) or q8 (8) stores, in the same type."""
    rows, columns = weight.shape
    padded = nn.functional.pad(weight.double(), (0, -columns % GROUP))
    w = padded.reshape(-1, GROUP).t().contiguous()
    largest = w.abs().amax(0)
    hit = w.abs() == largest
    extreme = (w * (hit & (hit.cumsum(0) == 1))).sum(0)
    extreme = torch.where(extreme == 0, torch.ones_like(extreme), extreme)
    if bits == 4:
        scale = exact(w, extreme, stored(least_squares(w, extreme)), -8, range(-8, 0))
    else:
        scale = exact(w, extreme, stored(ratio(largest, 127.0)), -128, [*range(127, 0, -1), -128])
    # Also weights near 0 may have the scale 0.
    scale = scale.masked_fill(largest == 0, 0)
    codes = (w / scale).masked_fill(scale == 0, 0).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (codes * scale).t().reshape(rows, -1)[:, :columns].to(weight.dtype)


def bits_of(model, format, tables):
    """The bits of each matrix and table by name: q4 stores tables with eight."""
    return {name: 8 if format == "q8" or name in tables else 4 for name, p in model.named_parameters() if p.dim() == 2}


@contextmanager
def stored_as(model, bits):
    """
    Inside, the parameters have the weights that the format stores. A gradient of these, taken inside, is applied outside to the weights
    beneath (the straight-through estimator, arXiv 1308.3432).
    """
    parameters = dict(model.named_parameters())
    beneath = {name: parameters[name].detach().clone() for name in bits}
    with torch.no_grad():
        for name in bits:
            parameters[name].copy_(quantised(parameters[name], bits[name]))
    try:
        yield
    finally:
        with torch.no_grad():
            for name, weight in beneath.items():
                parameters[name].copy_(weight)
`;
