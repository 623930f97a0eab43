"""
Tiny random checkpoints of released families, made and computed by Hugging Face's own code in float64: what `lamella import`
makes of each must give the same logits.

    python families.py FAMILIES.json OUT [NAME ...]

FAMILIES.json has a config by name. OUT/NAME becomes a hub folder (config.json, model.safetensors) with `expected.json`:
token ids, and logits [t][vocab].
"""
import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

families, out, *wanted = sys.argv[1:]
transformers.logging.set_verbosity_error()

for name, fields in json.loads(Path(families).read_text()).items():
    if wanted and name not in wanted:
        continue
    torch.manual_seed(1)
    folder = Path(out) / name
    config = AutoConfig.for_model(**fields)
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Wide enough that every part of a block matters. A vector is a gain around its initial value (1 or 0), or a bias.
            spread = parameter.shape[-1] ** -0.5 if parameter.ndim > 1 else 0.2
            centre = 0.0 if parameter.ndim > 1 else parameter.mean().round()
            parameter.copy_(torch.randn(parameter.shape) * spread + centre)
    model.save_pretrained(folder)
    ids = torch.randint(0, config.vocab_size, (1, 40))
    with torch.no_grad():
        logits = model.double()(ids, use_cache=False).logits[0]
    (folder / "expected.json").write_text(json.dumps({"tokens": ids[0].tolist(), "logits": logits.tolist()}))
    print(name, tuple(logits.shape), float(logits.std()), flush=True)
