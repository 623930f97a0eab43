/**
 * Two Python files that accompany the exported module and do not depend on the graph: one reads and
 * writes safetensors with torch alone, one prints logits, so that any other implementation can be
 * compared with PyTorch.
 */

/**
 * safetensors: u64 header length, JSON header {name: {dtype, shape, data_offsets}}, then the data.
 */
export const checkpointPy = `"""Reads and writes safetensors files with torch alone (little-endian machines); written by Lamella."""
import json
import os
import struct

import torch

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def load(path):
    """The tensors of a safetensors file by name, as float32."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data[begin:end], dtype=DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"]).float()
    return tensors


def save(tensors, path, dtype="F32"):
    """Writes tensors by name as \`dtype\`; the file appears under its name only when it is complete."""
    header, parts, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        raw = tensor.detach().cpu().to(DTYPES[dtype]).contiguous().view(-1)
        raw = bytes(raw.view(torch.uint8).numpy())
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [at, at + len(raw)]}
        parts.append(raw)
        at += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
    os.replace(path + ".part", path)
`;

export const logitsPy = `"""python3 logits.py WEIGHTS.safetensors 1,2,3: prints {"logits": [[...], ...]}, one row per token, as JSON.

This script was written by Lamella.
"""
import json
import sys

import torch

import checkpoint
from model import Model

path, ids = sys.argv[1:]
model = Model()
model.load_state_dict(checkpoint.load(path))
with torch.no_grad():
    logits = model(torch.tensor([[int(id) for id in ids.split(",")]]))[0]
print(json.dumps({"logits": logits.tolist()}))
`;
