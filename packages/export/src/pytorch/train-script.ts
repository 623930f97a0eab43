/**
 * The training script that accompanies the exported module. It does not depend on the graph:
 * examples in a file, one process or several (`torchrun`), mixed precision, resuming, a schedule,
 * and a log for TensorBoard.
 */
export const trainPy = `"""
Trains the exported model on a file of examples; written by Lamella. Needs only torch (1.13 or later).

    python3 train.py --data train.jsonl --out run --steps 10000
    torchrun --nproc-per-node 8 train.py --data train.jsonl --out run --steps 10000

A line of the data is {"text": T}, or {"prompt": P, "answer": A} with the loss on A alone, or {"parts": [P, A, P, A, ...]} with
the loss on every A. T, P and A are lists of token ids, or texts; texts need --tokenizer tokenizer.json and the package
tokenizers. The same command again goes on from the last
checkpoint in --out: the examples of a step depend on the seed and the step alone, and not on the number of processes.
--out also gets model.safetensors (for \`lamella compile --weights\`), what transformers needs to load the folder, and logs that
TensorBoard reads.
"""
import argparse
import hashlib
import json
import math
import os
import random
import re
import signal
import sys
import time
from array import array
from contextlib import nullcontext

import torch
from torch import distributed
from torch.nn import functional

import checkpoint
from events import EventFile
from hub import describe
from model import CONTEXT, TABLES, VOCAB, Model, initialise
from quantisation import bits_of, stored_as

# Matrices and tables by name of the init; gains start at 1 and biases at 0. mobilellm: initializer_range of its config.json.
INITS = {"export": None, "mobilellm": 0.02}


def options():
    p = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--data", required=True, help="JSONL file of examples")
    p.add_argument("--out", required=True, help="folder for checkpoints, weights and logs")
    p.add_argument("--steps", type=int, required=True, help="steps in all, those before a resume included")
    p.add_argument("--tokenizer", help="tokenizer.json, for data in texts")
    p.add_argument("--validation", nargs="*", default=[], help="JSONL files; their loss is measured at every checkpoint")
    p.add_argument("--validation-count", type=int, help="examples of each of these files; all, unless given")
    p.add_argument("--weights", help=".safetensors file to start from, instead of an init")
    p.add_argument("--init", choices=INITS, default="export", help="export: matrices of variance 1 / inputs; mobilellm: deviation 0.02")
    p.add_argument("--qat", choices=("q4", "q8"), help="compute with the weights that this format stores; they are stored without loss then")
    p.add_argument("--qat-steps", type=int, help="last steps that do so; all, unless given")
    p.add_argument("--optimizer", choices=("adamw", "muon"), default="adamw", help="muon: for matrices of blocks, AdamW for others (PyTorch 2.9)")
    p.add_argument("--batch", type=int, default=32, help="sequences of a step, of all processes together")
    p.add_argument("--micro-batch", type=int, help="sequences that a process computes at once, if memory is short")
    p.add_argument("--lr", type=float, default=2e-3, help="highest learning rate of AdamW")
    p.add_argument("--muon-lr", type=float, default=0.02, help="highest learning rate of Muon")
    p.add_argument("--warmup", type=int, default=100, help="steps over which the rate rises")
    p.add_argument("--final-lr", type=float, default=0.1, help="rate at the end of the cosine, as a share of --lr")
    p.add_argument("--weight-decay", type=float, default=0.1, help="on matrices")
    p.add_argument("--clip", type=float, default=1.0, help="largest norm of the gradient")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--precision", choices=("auto", "f32", "bf16"), default="auto", help="of products; auto: bf16 on GPUs that have it")
    p.add_argument("--save-every", type=int, default=500, help="steps from one checkpoint to the next")
    p.add_argument("--keep", type=int, default=3, help="checkpoints that are kept")
    p.add_argument("--log-every", type=int, default=20, help="steps from one log line to the next")
    p.add_argument("--threads", type=int, default=1, help="threads of a process on a CPU")
    p.add_argument("--compile", action="store_true", help="torch.compile (PyTorch 2)")
    return p.parse_args()


class Examples:
    """The token ids of all examples in one tensor, and whether each has a loss. Example i is ids[start[i] : start[i + 1]]."""

    def __init__(self, path, tokenizer, most=None):
        if not os.path.exists(path):
            sys.exit(f"{path}: No such file or directory")
        ids, loss, self.start, self.targets, self.too_long = array("i"), array("b"), [0], [], 0
        with open(path, encoding="utf-8") as lines:
            for number, line in zip(range(1, 1 + (most or sys.maxsize)), lines):
                try:
                    example = json.loads(line)
                    if "text" in example:
                        parts = [[], example["text"]]
                    else:
                        parts = example["parts"] if "parts" in example else [example["prompt"], example["answer"]]
                except (ValueError, KeyError, TypeError):
                    sys.exit(f"{path}:{number}: a line is {{\\"text\\": ...}}, {{\\"prompt\\": ..., \\"answer\\": ...}} or {{\\"parts\\": [...]}}")
                if any(isinstance(part, str) for part in parts):
                    if tokenizer is None:
                        sys.exit(f"{path}:{number}: the data are texts; pass --tokenizer tokenizer.json")
                    parts = [tokenizer.encode(part, add_special_tokens=False).ids if isinstance(part, str) else part for part in parts]
                sequence = [token for part in parts for token in part]
                has_loss = [i % 2 for i, part in enumerate(parts) for _ in part]
                if len(sequence) < 2 or not all(isinstance(token, int) and 0 <= token < VOCAB for token in sequence):
                    sys.exit(f"{path}:{number}: an example has at least 2 token ids, each from 0 to {VOCAB - 1}")
                if len(sequence) > CONTEXT + 1:
                    self.too_long += 1
                    continue
                ids.extend(sequence)
                loss.extend(has_loss)
                self.start.append(len(ids))
                self.targets.append(sum(has_loss[1:]))
        if not self.targets:
            sys.exit(f"{path}: no example fits the context of {CONTEXT} tokens")
        self.ids, self.loss = torch.tensor(ids, dtype=torch.int32), torch.tensor(loss, dtype=torch.bool)

    def __len__(self):
        return len(self.targets)

    def length(self, i):
        return self.start[i + 1] - self.start[i]

    def batch(self, indices):
        """Tokens [n, t], padded with 0, and targets [n, t]: the next token, or -100 where there is no loss."""
        longest = max(self.length(i) for i in indices) - 1
        tokens = torch.zeros(len(indices), longest, dtype=torch.long)
        targets = torch.full((len(indices), longest), -100)
        for row, i in enumerate(indices):
            here = slice(self.start[i], self.start[i + 1])
            sequence, loss = self.ids[here].long(), self.loss[here]
            tokens[row, : len(sequence) - 1] = sequence[:-1]
            targets[row, : len(sequence) - 1] = sequence[1:].masked_fill(~loss[1:], -100)
        return tokens, targets


class Order:
    """
    The examples of each step. An epoch is shuffled, and sorted by length inside runs of 64 batches: enough to pad little, too
    little to order the training by length.
    """

    def __init__(self, examples, batch, seed):
        self.examples, self.size, self.seed, self.epoch = examples, min(batch, len(examples)), seed, None

    def __getitem__(self, step):
        epoch, index = divmod(step, len(self.examples) // self.size)
        if epoch != self.epoch:
            order = random.Random(f"{self.seed} {epoch}")
            shuffled = list(range(len(self.examples)))
            order.shuffle(shuffled)
            self.batches, self.epoch = [], epoch
            for at in range(0, len(shuffled), 64 * self.size):
                run = sorted(shuffled[at : at + 64 * self.size], key=self.examples.length)
                cut = [run[i : i + self.size] for i in range(0, len(run) - self.size + 1, self.size)]
                order.shuffle(cut)
                self.batches += cut
        return self.batches[index]


def rate(step, o):
    """Learning rate of a step, as a share of --lr: a linear rise, then half a cosine."""
    if step < o.warmup:
        return (step + 1) / o.warmup
    done = min(1.0, (step - o.warmup) / max(1, o.steps - o.warmup))
    return o.final_lr + (1 - o.final_lr) * 0.5 * (1 + math.cos(math.pi * done))


def optimizers(model, o):
    """
    AdamW with the betas of the paper; gains and biases do not decay. Muon (Keller Jordan, 2024) takes the matrices of blocks if it is
    chosen. Each group has its highest rate as \`highest\`.
    """
    named = list(model.named_parameters())
    in_block = lambda name: re.search(r"\\.\\d+\\.", name) is not None
    hidden = [p for name, p in named if p.dim() == 2 and in_block(name) and o.optimizer == "muon"]
    matrices = [p for name, p in named if p.dim() >= 2 and not any(p is other for other in hidden)]
    others = [p for _, p in named if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": o.weight_decay}, {"params": others, "weight_decay": 0.0}]
    found = [torch.optim.AdamW(groups, lr=o.lr, betas=(0.9, 0.95))]
    if hidden:
        if not hasattr(torch.optim, "Muon"):
            sys.exit(f"--optimizer muon: PyTorch {torch.__version__} has none; 2.9 has")
        found.append(torch.optim.Muon(hidden, lr=o.muon_lr, weight_decay=o.weight_decay, momentum=0.95))
    for group in (group for optimizer in found for group in optimizer.param_groups):
        group["highest"] = group["lr"]
    return found


def states(folder):
    """The checkpoints of a folder as (step, path), the oldest first."""
    names = [name for name in os.listdir(folder) if name.startswith("state-") and name.endswith(".pt")]
    return sorted((int(name[6:-3]), os.path.join(folder, name)) for name in names)


def main():
    o = options()
    world, rank, local = (int(os.environ.get(name, default)) for name, default in (("WORLD_SIZE", 1), ("RANK", 0), ("LOCAL_RANK", 0)))
    cuda = torch.cuda.is_available()
    if world > 1:
        distributed.init_process_group("nccl" if cuda else "gloo")
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
        torch.backends.cuda.matmul.allow_tf32 = True
    torch.set_num_threads(o.threads)
    if o.batch % world:
        sys.exit(f"--batch {o.batch} is not a multiple of the {world} processes")
    bf16 = o.precision == "bf16" or (o.precision == "auto" and cuda and torch.cuda.is_bf16_supported())
    products = (lambda: torch.autocast(device.type, torch.bfloat16)) if bf16 else nullcontext
    say = print if rank == 0 else lambda *_, **__: None

    tokenizer = None
    if o.tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(o.tokenizer)
    examples = Examples(o.data, tokenizer)
    if len(examples) < o.batch:
        sys.exit(f"--batch {o.batch} is more than the {len(examples)} examples of {o.data}")
    validation = {os.path.splitext(os.path.basename(path))[0]: Examples(path, tokenizer, o.validation_count) for path in o.validation}
    say(f"{len(examples)} examples, {len(examples.ids)} tokens; {examples.too_long} longer than the context were left out", flush=True)

    torch.manual_seed(o.seed)
    model = Model()
    initialise(model, INITS[o.init])
    if o.weights:
        model.load_state_dict(checkpoint.load(o.weights))
    model.to(device)
    optimizing = optimizers(model, o)
    bits = bits_of(model, o.qat, TABLES) if o.qat else {}
    os.makedirs(o.out, exist_ok=True)
    if rank == 0:
        describe(o.out, o.tokenizer)
    with open(o.data, "rb") as file:
        same = {"data": hashlib.sha256(file.read()).hexdigest(), "batch": o.batch, "seed": o.seed, "optimizer": o.optimizer}
    step = 0
    if states(o.out):
        step, path = states(o.out)[-1]
        state = torch.load(path, map_location=device, weights_only=True)
        changed = [name for name in same if state["same"].get(name) != same[name]]
        if changed:
            sys.exit(f"{path} is of a run with another {', '.join(changed)}; pass another --out, or the options of that run")
        model.load_state_dict(state["model"])
        for optimizer, its in zip(optimizing, state["optimizers"]):
            optimizer.load_state_dict(its)
        say(f"going on from {path}", flush=True)

    trained = torch.compile(model, dynamic=True) if o.compile else model
    if world > 1:
        trained = torch.nn.parallel.DistributedDataParallel(trained, device_ids=[local] if cuda else None)
    order = Order(examples, o.batch, o.seed)
    log = EventFile(o.out) if rank == 0 else None
    stop = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.append(True))

    def quantised():
        """What the step computes with: the weights that the format stores, or those of the optimizer."""
        return stored_as(model, bits if step >= o.steps - (o.qat_steps or o.steps) else {})

    def save():
        """A checkpoint and the weights, each whole or not at all; the oldest checkpoints go."""
        path = os.path.join(o.out, f"state-{step:08d}.pt")
        its = {"model": model.state_dict(), "optimizers": [optimizer.state_dict() for optimizer in optimizing], "same": same}
        torch.save(its, path + ".part")
        os.replace(path + ".part", path)
        with quantised():
            checkpoint.save(model.state_dict(), os.path.join(o.out, "model.safetensors"))
        for _, old in states(o.out)[: -o.keep]:
            os.remove(old)

    @torch.no_grad()
    def measure(examples):
        """Mean loss of a token, and the share of examples that greedy decoding writes exactly."""
        model.eval()
        total, count, exact = 0.0, 0, 0
        ordered = sorted(range(len(examples)), key=examples.length)
        for at in range(0, len(ordered), o.batch):
            tokens, targets = (part.to(device) for part in examples.batch(ordered[at : at + o.batch]))
            with products():
                logits = model(tokens).float()
            total += functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
            count += int((targets >= 0).sum())
            exact += int(((logits.argmax(-1) == targets) | (targets < 0)).all(1).sum())
        model.train()
        return total / count, exact / len(examples)

    micro = o.micro_batch or o.batch // world
    loss_sum, logged, tokens_seen, started = 0.0, 0, 0, time.time()
    while step < o.steps:
        indices = order[step]
        mine = indices[rank::world]
        targets_of_step = max(1, sum(examples.targets[i] for i in indices))
        for optimizer in optimizing:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = group["highest"] * rate(step, o)
        step_loss = torch.zeros((), device=device)
        with quantised():
            for at in range(0, len(mine), micro):
                tokens, targets = (part.to(device, non_blocking=True) for part in examples.batch(mine[at : at + micro]))
                last = at + micro >= len(mine)
                with trained.no_sync() if world > 1 and not last else nullcontext():
                    with products():
                        logits = trained(tokens)
                    loss = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / targets_of_step
                    # DDP divides gradients by the number of processes.
                    (loss * world).backward()
                step_loss += loss.detach()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), o.clip)
        for optimizer in optimizing:
            optimizer.step()
        step += 1
        stopping = torch.tensor(float(bool(stop)), device=device)
        if world > 1:
            distributed.all_reduce(step_loss)
            distributed.all_reduce(stopping)
        value = step_loss.item()
        if not math.isfinite(value):
            sys.exit(f"step {step}: the loss is {value}; the last checkpoint stays. Try a lower --lr")
        loss_sum, logged = loss_sum + value, logged + 1
        tokens_seen += sum(examples.length(i) - 1 for i in indices)
        if step % o.log_every == 0 or step == o.steps:
            speed = tokens_seen / (time.time() - started)
            say(f"step {step}  loss {loss_sum / logged:.4f}  lr {o.lr * rate(step - 1, o):.2e}  {speed:.0f} tokens/s", flush=True)
            if log:
                log.scalars(step, {"train/loss": loss_sum / logged, "train/lr": o.lr * rate(step - 1, o), "train/gradient_norm": float(norm), "train/tokens_per_second": speed})
            loss_sum, logged, tokens_seen, started = 0.0, 0, 0, time.time()
        if rank == 0 and (step % o.save_every == 0 or step == o.steps or stopping):
            save()
            for name, held in validation.items() if not stopping else ():
                with quantised():
                    loss, exact = measure(held)
                say(f"step {step}  {name}: loss {loss:.4f}, exact {100 * exact:.1f} %", flush=True)
                log.scalars(step, {f"{name}/loss": loss, f"{name}/exact": exact})
            started = time.time()
        if stopping:
            say(f"stopped after step {step}; the same command goes on", flush=True)
            break
    if world > 1:
        distributed.barrier()
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
`;
