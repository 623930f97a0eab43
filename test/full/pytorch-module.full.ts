/**
 * The exported module under what trains other modules: FSDP, LoRA, parametrisations, compilation,
 * checkpointing of activations, bf16 and transformers. The graph has shared weight sets (each run
 * twice), so a block is one module that is called twice. Needs Python with torch (`PYTHON` names
 * it); without it, or without transformers, tests are skipped by name.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportPyTorch } from '@lamella/export/pytorch/export';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import assistant from '../../graphs/assistant.ts';
import { sharedStates } from '../conformance/shared-state.ts';

const python = process.env.PYTHON ?? 'python3';
const has = (module: string): boolean => spawnSync(python, ['-c', `import ${module}`]).status === 0;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamella-module-'));
  for (const [name, text] of Object.entries(exportPyTorch(assistant))) writeFileSync(join(folder, name), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

const start = `
import copy, json, torch
from torch import nn
from torch.nn import functional
from model import Cache, LayersBlock, Model
torch.manual_seed(1)
model, tokens = Model(), torch.randint(0, 260, (4, 24))
def loss(model): return functional.cross_entropy(model(tokens).float()[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
def off(a, b): return ((a - b).abs().max() / b.abs().max()).item()
def gradients(model):
    model.zero_grad()
    loss(model).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}
def farthest(a, b): return max(off(a[name], b[name]) for name in b)
`;

/** Runs a program beside the module, in `processes` processes; returns the JSON that the first prints. */
function run(program: string, processes = 1, cwd = folder): unknown {
  writeFileSync(join(cwd, 'program.py'), `${start}${program}`);
  const launch = processes === 1 ? [] : ['-m', 'torch.distributed.run', '--nproc-per-node', String(processes)];
  const env = {
    ...process.env,
    PYTHONDONTWRITEBYTECODE: '1',
    OMP_NUM_THREADS: '1',
    HF_MODULES_CACHE: join(cwd, 'hub'),
  };
  const printed = execFileSync(python, [...launch, 'program.py'], { cwd, encoding: 'utf8', env });
  return JSON.parse(printed.trim().split('\n').at(-1)!) as unknown;
}

describe.skipIf(!has('torch'))('the exported module', () => {
  test('runs parametrised and as a bf16 copy', () => {
    const found = run(`
from torch.nn.utils import parametrize
class Twice(nn.Module):
    def forward(self, w): return 2 * w
plain, doubled = model(tokens), copy.deepcopy(model)
with torch.no_grad():
    doubled.model.layers[1].self_attn.q_proj.weight.mul_(2)
parametrize.register_parametrization(model.model.layers[1].self_attn.q_proj, "weight", Twice())
short = copy.deepcopy(doubled).bfloat16()(tokens)
doubled, twice = doubled(tokens), model(tokens)
print(json.dumps({"same": torch.equal(twice, doubled), "changed": not torch.equal(twice, plain),
  "short": str(short.dtype), "off": off(short.float(), doubled)}))`) as { readonly off: number };
    expect(found).toMatchObject({ same: true, changed: true, short: 'torch.bfloat16' });
    expect(found.off).toBeGreaterThan(0);
    expect(found.off).toBeLessThan(0.05);
  });

  test('takes LoRA in place of its linears; in a shared block both executions have it', () => {
    const found = run(`
class LoRA(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base, self.a, self.b = base.requires_grad_(False), nn.Linear(base.in_features, 2, False), nn.Linear(2, base.out_features, False)
    def forward(self, x): return self.base(x) + self.b(self.a(x))
merged = copy.deepcopy(model)
for name, module in list(model.named_modules()):
    if isinstance(module, nn.Linear) and name.endswith("q_proj"):
        adapted = LoRA(module)
        model.set_submodule(name, adapted)
        with torch.no_grad():
            merged.get_submodule(name).weight += adapted.b.weight @ adapted.a.weight
loss(model).backward()
trained = [name for name, p in model.named_parameters() if ".a." in name and p.grad is not None]
print(json.dumps({"off": off(model(tokens), merged(tokens)), "adapters": len(trained), "base": model.model.layers[0].self_attn.q_proj.base.weight.grad is None}))`);
    expect(found).toMatchObject({ adapters: 4, base: true });
    expect((found as { off: number }).off).toBeLessThan(1e-5);
  });

  test('is compiled as one graph, with the same logits and gradients', () => {
    const found = run(`
compiled = torch.compile(model, fullgraph=True, dynamic=True, backend="eager")
expected = gradients(model)
print(json.dumps({"off": off(compiled(tokens), model(tokens)), "gradients": farthest(gradients(compiled._orig_mod), expected)}))`);
    expect(found).toEqual({ off: expect.closeTo(0, 5) as number, gradients: expect.closeTo(0, 5) as number });
  });

  test('has the same gradients when the activations of blocks are computed again', () => {
    const found = run(`
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import apply_activation_checkpointing
expected = gradients(model)
calls = []
for layer in model.model.layers: layer.register_forward_pre_hook(lambda *_: calls.append(1))
apply_activation_checkpointing(model, check_fn=lambda module: isinstance(module, LayersBlock))
found = {name.replace("_checkpoint_wrapped_module.", ""): g for name, g in gradients(model).items()}
print(json.dumps({"off": farthest(found, expected), "calls": len(calls)}))`);
    // 8 executions, each twice.
    expect(found).toEqual({ off: 0, calls: 16 });
  });

  test('has the same gradients, loss and weights under FSDP in two processes, a block at a time', () => {
    const found = run(
      `
from torch import distributed
from torch.distributed.fsdp import fully_shard
distributed.init_process_group("gloo")
mesh = distributed.init_device_mesh("cpu", (2,))
plain, rank = copy.deepcopy(model), distributed.get_rank()
for layer in model.model.layers: fully_shard(layer, mesh=mesh)
fully_shard(model, mesh=mesh)
whole, half = tokens, tokens[2 * rank : 2 * rank + 2]
steps = [torch.optim.AdamW(each.parameters(), lr=1e-3) for each in (plain, model)]
for _ in range(3):
    tokens = whole
    gradients(plain)
    tokens = half
    gradients(model)
    for step in steps: step.step()
weights = {name: p.full_tensor() for name, p in model.named_parameters()}
if rank == 0: print(json.dumps({"off": farthest(weights, dict(plain.named_parameters()))}), flush=True)
distributed.destroy_process_group()`,
      2,
    );
    expect((found as { off: number }).off).toBeLessThan(1e-3);
  });

  test('computes again, compiles and shards where executions read the states of others', () => {
    const here = join(folder, 'shared-states');
    mkdirSync(here);
    const graph = sharedStates['per set, immediate']!();
    for (const [name, text] of Object.entries(exportPyTorch(graph))) writeFileSync(join(here, name), text);
    const found = run(
      `
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import apply_activation_checkpointing
tokens = tokens % 40
expected, logits = gradients(model), model(tokens)
compiled = torch.compile(model, fullgraph=True, backend="eager")(tokens)
apply_activation_checkpointing(model, check_fn=lambda module: isinstance(module, LayersBlock))
found = {name.replace("_checkpoint_wrapped_module.", ""): g for name, g in gradients(model).items()}
print(json.dumps({"off": farthest(found, expected), "compiled": off(compiled, logits)}))`,
      1,
      here,
    );
    expect(found).toEqual({ off: expect.closeTo(0, 5) as number, compiled: expect.closeTo(0, 5) as number });
  });

  test.skipIf(!has('transformers'))('is loaded by transformers, which generates with the cache as without', () => {
    const here = join(folder, 'hub-folder');
    mkdirSync(here);
    cpSync(
      fileURLToPath(new URL('../../graphs/assistant/model.safetensors', import.meta.url)),
      join(here, 'model.safetensors'),
    );
    const found = run(`
import checkpoint, hub, logging
from transformers import AutoModelForCausalLM
hub.describe("hub-folder")
weights = checkpoint.load("hub-folder/model.safetensors")
checkpoint.save(weights, "hub-folder/model.safetensors")
model.load_state_dict(weights)
net = AutoModelForCausalLM.from_pretrained("hub-folder", trust_remote_code=True)
prompt = torch.tensor([[256, *b"Email ana@example.com about the picnic", 258]])
greedy = {"max_new_tokens": 64, "do_sample": False, "eos_token_id": 257}
written = net.generate(prompt, **greedy)
kept = net.generate(prompt, use_cache=False, **greedy)
beams = net.generate(prompt, num_beams=3, **greedy)
slow = net.generate(prompt, num_beams=3, use_cache=False, **greedy)
two = net.generate(prompt.expand(2, -1), **greedy)
loss_of = net(tokens, labels=tokens).loss
padded = torch.tensor([[0, 1, 1]])
try: net(torch.tensor([[1, 2, 3]]), attention_mask=padded); refused = ""
except ValueError as error: refused = str(error)
net.save_pretrained("saved")
again = AutoModelForCausalLM.from_pretrained("saved", trust_remote_code=True)
print(json.dumps({"names": list(net.state_dict()) == list(model.state_dict()), "equal": torch.equal(net(prompt).logits, model(prompt)),
  "text": bytes(t for t in written[0, prompt.shape[1]:].tolist() if t < 256).decode(), "kept": torch.equal(kept, written),
  "two": torch.equal(two[1:], written), "beams": torch.equal(beams, slow), "loss": abs((loss_of - loss(model)).item()) < 1e-5,
  "refused": refused, "again": torch.equal(again(prompt).logits, model(prompt))}))`);
    expect(found).toEqual({
      names: true,
      equal: true,
      text: expect.stringMatching(/^\{"name":"send_email","arguments":\{"to":"ana@example\.com"/) as string,
      kept: true,
      two: true,
      beams: true,
      loss: true,
      refused: 'a prompt begins with padding; pass prompts of one length, or pad them on the right',
      again: true,
    });
  });
});
