"""
Trains the tokenizer on generated data: a byte-level BPE. Words, single digits and runs of punctuation are merged apart from
spaces, so that a copied word has the same tokens in a request and between the quotes of its answer.

    python3 graphs/assistant/phone/tokenizer.py TRAIN.jsonl FOLDER [--vocab 2048] [--lines 50000]

It writes tokenizer.json and tokenizer_config.json. The special tokens are those of `prompt.ts`.
"""
import argparse
import json
import os

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL = ["<bos>", "<eos>", "<user>", "<answer>", "<pad>"]

arguments = argparse.ArgumentParser()
arguments.add_argument("data")
arguments.add_argument("folder")
arguments.add_argument("--vocab", type=int, default=2048)
arguments.add_argument("--lines", type=int, default=50_000, help="examples that the merges are counted on")
options = arguments.parse_args()

tokenizer = Tokenizer(models.BPE())
pieces = Regex(r"\p{L}+|\p{N}|\s|[^\p{L}\p{N}\s]+")
tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Split(pieces, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
)
tokenizer.decoder = decoders.ByteLevel()


def texts():
    with open(options.data, encoding="utf-8") as lines:
        for _, line in zip(range(options.lines), lines):
            yield "".join(json.loads(line)["parts"])


trainer = trainers.BpeTrainer(
    vocab_size=options.vocab,
    special_tokens=SPECIAL,
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False,
)
tokenizer.train_from_iterator(texts(), trainer)
os.makedirs(options.folder, exist_ok=True)
with open(os.path.join(options.folder, "tokenizer_config.json"), "w") as file:
    names = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "add_bos_token": False}
    json.dump({"tokenizer_class": "PreTrainedTokenizerFast", **names}, file, indent=2)
path = os.path.join(options.folder, "tokenizer.json")
tokenizer.save(path)
print(f"{path}: {tokenizer.get_vocab_size()} tokens")
