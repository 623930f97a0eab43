"""Reads the generated requests and makes batches of tokens. A byte is its own id; the specials follow the bytes."""
import json
import random

import torch

BOS, EOS, SEP, PAD = 256, 257, 258, 259


def read(path):
    """The examples of a file written by generate.ts, as (request bytes, answer bytes)."""
    with open(path, encoding="utf-8") as lines:
        examples = map(json.loads, lines)
        return [(e["request"].encode(), e["answer"].encode()) for e in examples]


def batch(examples):
    """
    `<bos>request<sep>answer<eos>` for each example, padded to the longest.
    Returns tokens [n, t] and targets [n, t], int64: targets are the next token where it belongs to the answer, else -100.
    """
    rows = [[BOS, *request, SEP, *answer, EOS] for request, answer in examples]
    longest = max(map(len, rows)) - 1
    tokens = torch.full((len(rows), longest), PAD)
    targets = torch.full((len(rows), longest), -100)
    for i, (row, (request, _)) in enumerate(zip(rows, examples)):
        start = 1 + len(request)
        tokens[i, : len(row) - 1] = torch.tensor(row[:-1])
        targets[i, start : len(row) - 1] = torch.tensor(row[start + 1 :])
    return tokens, targets


def epoch(examples, size, seed):
    """
    Lists of `size` examples of similar length, in an order that depends on `seed` alone. Sorting happens inside runs of 64
    batches: enough to pad little, too little to order the training by length.
    """
    order = random.Random(seed)
    shuffled = order.sample(range(len(examples)), len(examples))
    groups = []
    for start in range(0, len(shuffled), 64 * size):
        run = sorted(shuffled[start : start + 64 * size], key=lambda i: sum(map(len, examples[i])))
        cut = [run[i : i + size] for i in range(0, len(run) - size + 1, size)]
        groups += order.sample(cut, len(cut))
    return [[examples[i] for i in group] for group in groups]
