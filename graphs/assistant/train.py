"""
Trains the assistant: next-token cross-entropy on the answer alone. Seeded and resumable: run the same command again to go on,
with a larger --steps to go further. One CPU thread is enough (and on two hyper-threads of a core the fastest); a GPU is used when there is one.

    npx tsx graphs/assistant/generate.ts
    npx lamella export graphs/assistant.ts --to pytorch --out .cache/assistant/pytorch
    python3 graphs/assistant/train.py [--steps 3800]
"""
import argparse
import os
import sys
import time
from functools import lru_cache

import torch
from torch.nn import functional

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(HERE, "../../.cache/assistant")
sys.path.insert(0, os.path.join(CACHE, "pytorch"))

import checkpoint  # noqa: E402  the three are written by `lamella export`
import data  # noqa: E402
from model import Model  # noqa: E402
from muon import Muon  # noqa: E402

arguments = argparse.ArgumentParser()
arguments.add_argument("--steps", type=int, default=3800)
arguments.add_argument("--batch", type=int, default=16, help="sequences a step")
arguments.add_argument("--seed", type=int, default=1)
options = arguments.parse_args()

WARMUP = 100  # steps over which the rate rises
SHORT = range(500, 1000)  # steps on the shortest fifth of the examples: among short requests, copying is found at once
DECAY = 0.5  # the last share of the steps, over which the rate falls to a twentieth
STATE = os.path.join(CACHE, "state.pt")

torch.manual_seed(options.seed)
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
device = "cuda" if torch.cuda.is_available() else "cpu"
model = Model().to(device)

blocks = [p for name, p in model.named_parameters() if p.dim() == 2 and ".layers." in name]
others = [p for name, p in model.named_parameters() if not (p.dim() == 2 and ".layers." in name)]
optimizers = [
    Muon(blocks, lr=0.02, weight_decay=0.01),
    torch.optim.AdamW(others, lr=3e-3, betas=(0.9, 0.95), weight_decay=0.0),
]
peaks = [o.param_groups[0]["lr"] for o in optimizers]

step, seconds = 0, 0.0
if os.path.exists(STATE):
    state = torch.load(STATE, map_location=device)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"]):
        optimizer.load_state_dict(saved)
    step, seconds = state["step"], state["seconds"]
    print(f"going on from step {step}", flush=True)


def save():
    """The state to go on from, and the weights so far; each appears whole or not at all."""
    state = {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step, "seconds": seconds}
    torch.save(state, STATE + ".part")
    os.replace(STATE + ".part", STATE)
    checkpoint.save(model.state_dict(), os.path.join(CACHE, "model.safetensors"))


examples = data.read(os.path.join(CACHE, "train.jsonl"))
shortest = sorted(examples, key=lambda e: sum(map(len, e)))[: len(examples) // 5]


@lru_cache(maxsize=1)
def epoch_batches(short, epoch):
    return data.epoch(shortest if short else examples, options.batch, options.seed + epoch)


def batch_of(step):
    """The examples of a step: a function of the step and the seed alone, so that a resumed run sees what it would have seen."""
    short = step in SHORT
    nth = step - SHORT.start if short else step if step < SHORT.start else step - len(SHORT)
    epoch, index = divmod(nth, len(shortest if short else examples) // options.batch)
    return epoch_batches(short, epoch)[index]


started, before, loss_sum, answer_tokens = time.time(), seconds, 0.0, 0
while step < options.steps:
    tokens, targets = (part.to(device) for part in data.batch(batch_of(step)))
    rate = min(1, (step + 1) / WARMUP, max(0.05, (options.steps - step) / (DECAY * options.steps)))
    for optimizer, peak in zip(optimizers, peaks):
        optimizer.param_groups[0]["lr"] = peak * rate
        optimizer.zero_grad()
    loss = functional.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
    step += 1
    seconds = before + time.time() - started
    loss_sum += loss.item()
    answer_tokens += int((targets >= 0).sum())
    if step % 50 == 0:
        print(f"step {step}  loss {loss_sum / 50:.4f}  rate {rate:.2f}  {answer_tokens / (seconds - before):.0f} answer tokens/s  {seconds:.0f} s", flush=True)
        loss_sum = 0.0
    if step % 250 == 0:
        save()
save()
checkpoint.save(model.state_dict(), os.path.join(HERE, "model.safetensors"), "F16")
print(f"wrote {os.path.join(HERE, 'model.safetensors')}")
