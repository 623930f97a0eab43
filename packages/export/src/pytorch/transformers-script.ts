/**
 * The exported module for the package transformers: a class that `AutoModelForCausalLM` loads with
 * `trust_remote_code`, and the files that describe a folder of weights to it. Tools on top of
 * transformers, such as lm-evaluation-harness and trl, then take the folder like any other.
 */

export const modelingPy = `"""
The exported model in transformers; written by Lamella.

    AutoModelForCausalLM.from_pretrained(FOLDER, trust_remote_code=True)

hub.py describes a folder of weights for this. Prompts of a batch have one length, or end in padding.
"""
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from .model import CONTEXT, VOCAB, Cache, Model


class LamellaConfig(PretrainedConfig):
    model_type = "lamella"

    def __init__(self, vocab_size=VOCAB, max_position_embeddings=CONTEXT, **others):
        self.vocab_size, self.max_position_embeddings = vocab_size, max_position_embeddings
        super().__init__(**others)


class LamellaForCausalLM(PreTrainedModel, Model, GenerationMixin):
    config_class = LamellaConfig

    def __init__(self, config):
        super().__init__(config)  # Model's modules are this object's own: the names of the weights stay
        self.post_init()

    @classmethod
    def _supports_default_dynamic_cache(cls):
        return False  # the slots of Cache belong to executions, of which layers may have several

    def prepare_inputs_for_generation(self, input_ids, past_key_values=None, attention_mask=None, use_cache=True, **_):
        if use_cache and past_key_values is None:
            past_key_values = Cache()
        seen = past_key_values.length if past_key_values is not None else 0
        return {"input_ids": input_ids[:, seen:], "past_key_values": past_key_values, "attention_mask": attention_mask, "use_cache": use_cache}

    def forward(self, input_ids, attention_mask=None, past_key_values=None, labels=None, use_cache=False, **others):
        if attention_mask is not None and (attention_mask[:, 1:] > attention_mask[:, :-1]).any():
            raise ValueError("a prompt begins with padding; pass prompts of one length, or pad them on the right")
        if use_cache and past_key_values is None:
            past_key_values = Cache()
        seen = past_key_values.length if past_key_values is not None else 0
        if seen + input_ids.shape[1] > CONTEXT:
            raise ValueError(f"{seen + input_ids.shape[1]} tokens are more than the context of {CONTEXT}")
        logits = Model.forward(self, input_ids) if past_key_values is None else self.run(input_ids, past_key_values)
        loss = None if labels is None else self.loss_function(logits=logits, labels=labels, vocab_size=VOCAB, **others)
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=past_key_values)
`;

export const hubPy = `"""
python3 hub.py FOLDER: adds to a folder of weights what transformers needs to load it; written by Lamella.

train.py does so for its --out.
"""
import json
import os
import shutil
import sys

from model import CONTEXT, VOCAB

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = {
    "model_type": "lamella",
    "architectures": ["LamellaForCausalLM"],
    "auto_map": {"AutoConfig": "modeling_lamella.LamellaConfig", "AutoModelForCausalLM": "modeling_lamella.LamellaForCausalLM"},
    "vocab_size": VOCAB,
    "max_position_embeddings": CONTEXT,
}


def describe(folder, tokenizer=None):
    """Writes config.json and copies the module; also the tokenizer at a path, with its configuration, unless the folder has one."""
    ours = [os.path.join(folder, name) for name in ("config.json", "model.py", "modeling_lamella.py")]
    for path in filter(os.path.exists, ours):
        with open(path, encoding="utf-8") as file:
            if "lamella" not in file.read(2000).lower():
                sys.exit(f"{path} is not written by Lamella; choose another folder, or move the file")
    with open(ours[0], "w") as file:
        json.dump(CONFIG, file, indent=2)
    for path in ours[1:]:
        source = os.path.join(HERE, os.path.basename(path))
        if not (os.path.exists(path) and os.path.samefile(source, path)):
            shutil.copyfile(source, path)
    for source in (tokenizer, os.path.join(os.path.dirname(tokenizer), "tokenizer_config.json")) if tokenizer else ():
        to = os.path.join(folder, os.path.basename(source))
        if os.path.exists(source) and not os.path.exists(to):
            shutil.copyfile(source, to)


if __name__ == "__main__":
    describe(sys.argv[1])
`;
