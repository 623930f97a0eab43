"""
Scores the assistant's weights on the held-out requests, in PyTorch: EM_intent (the right function) and EM_structure (the whole
answer, byte for byte), as MobileLLM counts API calling (arXiv 2402.14905, section 4.3), per split.

Greedy decoding says exactly what the answer says if and only if, with the answer fed in, the most likely token at every
position is the next one. So one forward pass per request scores what would be generated, up to any length of prefix.

    python3 graphs/assistant/score.py [WEIGHTS.safetensors] [--count 1000] [--wrong 5] > graphs/assistant/score.json
"""
import argparse
import hashlib
import json
import os
import sys

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(HERE, "../../.cache/assistant")
sys.path.insert(0, os.path.join(CACHE, "pytorch"))

import checkpoint  # noqa: E402
import data  # noqa: E402
from model import Model  # noqa: E402

arguments = argparse.ArgumentParser()
arguments.add_argument("weights", nargs="?", default=os.path.join(HERE, "model.safetensors"))
arguments.add_argument("--count", type=int, default=1000, help="requests of each split")
arguments.add_argument("--wrong", type=int, default=0, help="wrong answers of each split to show, as far as they are right")
options = arguments.parse_args()

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
device = "cuda" if torch.cuda.is_available() else "cpu"
model = Model().to(device)
model.load_state_dict(checkpoint.load(options.weights))


@torch.no_grad()
def right_bytes(examples):
    """For each example, how many tokens of its answer, <eos> included, greedy decoding gets right before the first wrong one."""
    counts = []
    for start in range(0, len(examples), 50):
        tokens, targets = (part.to(device) for part in data.batch(examples[start : start + 50]))
        wrong = (model(tokens).argmax(-1) != targets) & (targets >= 0)
        answer = (targets >= 0).long().cumsum(1)
        first = wrong.long().argmax(1, keepdim=True)
        counts += torch.where(wrong.any(1), answer.gather(1, first).squeeze(1) - 1, answer[:, -1]).tolist()
    return counts


with open(options.weights, "rb") as file:
    results = {"weights sha256": hashlib.sha256(file.read()).hexdigest()}
for split in ("heldout-values", "heldout-templates", "heldout-both"):
    examples = data.read(os.path.join(CACHE, split + ".jsonl"))[: options.count]
    rows = []
    for (request, answer), right in zip(examples, right_bytes(examples)):
        name = answer.index(b'",') + 2  # {"name":"send_email",
        rows.append((json.loads(answer)["name"], right >= name, right == len(answer) + 1))
        if right <= len(answer) and options.wrong > 0:
            options.wrong -= 1
            print(f"{request.decode()}\n  {answer.decode()}\n  right up to {answer[:right].decode(errors='replace')}", file=sys.stderr)
    share = lambda picked: round(sum(picked) / len(rows), 4)  # noqa: E731
    results[split] = {
        "requests": len(rows),
        "EM_intent": share(intent for _, intent, _ in rows),
        "EM_structure": share(whole for _, _, whole in rows),
        "EM_structure by function": {
            name: round(sum(whole for n, _, whole in rows if n == name) / max(1, sum(n == name for n, _, _ in rows)), 4)
            for name in ("send_email", "create_calendar_event", "show_map")
        },
    }
print(json.dumps(results, indent=2))
