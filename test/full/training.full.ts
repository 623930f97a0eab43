/**
 * The training script of the PyTorch export, run as a user runs it: alone and under torchrun,
 * stopped and resumed, and its weights in a compiled package. Needs Python with torch (`PYTHON`
 * names it); without it the tests are skipped by name.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportPyTorch } from '@lamella/export/pytorch/export';
import { GROUP } from '@lamella/graph/oracle/codes';
import { quantiseMatrix } from '@lamella/graph/oracle/weight-codes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../graphs/assistant/random.ts';
import assistant from '../../graphs/assistant.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const python = process.env.PYTHON ?? 'python3';
const has = (module: string): boolean => spawnSync(python, ['-c', `import ${module}`]).status === 0;
const hasMuon = spawnSync(python, ['-c', 'from torch.optim import Muon']).status === 0;
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1' };

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamella-training-'));
  for (const [name, text] of Object.entries(exportPyTorch(assistant))) writeFileSync(join(folder, name), text);
  // Copying: a few letters, and the same letters again.
  const lines = Array.from({ length: 64 }, (_, i) => {
    const letters = Array.from({ length: 3 + (i % 5) }, (_, j) => 97 + ((i * 7 + j * j * 3) % 26));
    return JSON.stringify({ prompt: [256, ...letters, 258], answer: [...letters, 257] });
  });
  writeFileSync(join(folder, 'copy.jsonl'), lines.map((line) => `${line}\n`).join(''));
});
afterAll(() => rmSync(folder, { recursive: true }));

const usual = ['--data', 'copy.jsonl', '--batch', '8', '--log-every', '1', '--warmup', '2'];

/** Runs a program in Python beside the exported module; returns what it printed as JSON. */
function inPython(program: string, input = ''): unknown {
  writeFileSync(join(folder, 'input.json'), input);
  return JSON.parse(execFileSync(python, ['-c', program], { cwd: folder, encoding: 'utf8', env })) as unknown;
}

/** The weights that the oracle stores with this number of bits. */
function storedByOracle(values: Float32Array, rows: number, columns: number, bits: 4 | 8): number[] {
  const { codes, scales } = quantiseMatrix(values, rows, columns, bits);
  const groups = Math.ceil(columns / GROUP);
  return Array.from(
    codes,
    (code, i) => code * scales[Math.floor(i / columns) * groups + Math.floor((i % columns) / GROUP)]!,
  );
}

/** The numbers with 0 for -0: both are the same weight. */
const unsigned = (numbers: readonly number[]): number[] => numbers.map((x) => x + 0);

/** Runs the script in `processes` processes; returns what it printed, errors included. */
function train(args: readonly string[], processes = 1): string {
  const launch = processes === 1 ? [] : ['-m', 'torch.distributed.run', '--nproc-per-node', String(processes)];
  const run = spawnSync(python, [...launch, 'train.py', ...args], { cwd: folder, encoding: 'utf8', env });
  return run.stdout + run.stderr;
}

const losses = (printed: string): number[] =>
  [...printed.matchAll(/^step \d+ {2}loss ([\d.]+)/gm)].map((match) => Number(match[1]));

/** The weights of a run as numbers. */
function weights(run: string): Float32Array {
  const file = readFileSync(join(folder, run, 'model.safetensors'));
  const start = 8 + Number(file.readBigUInt64LE(0));
  return new Float32Array(file.buffer.slice(file.byteOffset + start, file.byteOffset + file.length));
}

const furthest = (a: Float32Array, b: Float32Array): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
};

/** CRC-32C by its definition: the remainder of a division of polynomials, bit by bit. */
function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data)
    for (let bit = 0; bit < 8; bit++) {
      const out = (crc ^ (byte >> bit)) & 1;
      crc = (crc >>> 1) ^ (out ? 0x82f63b78 : 0);
    }
  return (crc ^ 0xffffffff) >>> 0;
}

/** The data of the records of an event file, after both checksums of each were compared. */
function records(run: string): Buffer[] {
  const [name] = readdirSync(join(folder, run)).filter((each) => each.startsWith('events.out.tfevents.'));
  const file = readFileSync(join(folder, run, name!));
  const found: Buffer[] = [];
  const masked = (data: Buffer): number => {
    const crc = crc32c(data);
    return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  };
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 8)).toBe(masked(file.subarray(at, at + 8)));
    expect(file.readUInt32LE(at + 12 + length)).toBe(masked(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

describe.skipIf(!has('torch'))('training in PyTorch', () => {
  let alone = '';
  beforeAll(() => {
    alone = train([...usual, '--out', 'alone', '--steps', '6', '--save-every', '3', '--keep', '1']);
  });

  test('the loss falls, and checkpoints, weights and a log are written', () => {
    const found = losses(alone);
    expect(found).toHaveLength(6);
    expect(found.at(-1)!).toBeLessThan(found[0]!);
    const [config, events, ...files] = readdirSync(join(folder, 'alone')).sort();
    expect(config).toBe('config.json');
    expect(files).toEqual(['model.py', 'model.safetensors', 'modeling_lamella.py', 'state-00000006.pt']);
    expect(events).toMatch(/^events\.out\.tfevents\./);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    const logged = records('alone').flatMap((record) => {
      const at = record.indexOf('train/loss');
      return at < 0 ? [] : [record.readFloatLE(at + 'train/loss'.length + 1)];
    });
    expect(logged.map((loss) => loss.toFixed(4))).toEqual(found.map((loss) => loss.toFixed(4)));
  });

  test('two processes train to the same loss and weights as one', () => {
    const printed = train([...usual, '--out', 'two', '--steps', '6', '--micro-batch', '3'], 2);
    for (const [i, loss] of losses(printed).entries()) expect(Math.abs(loss - losses(alone)[i]!)).toBeLessThan(2e-4);
    expect(losses(printed)).toHaveLength(6);
    expect(furthest(weights('two'), weights('alone'))).toBeLessThan(1e-3);
  });

  test('a run that is stopped goes on to the same weights', async () => {
    const args = ['train.py', ...usual, '--out', 'stopped', '--steps', '6'];
    const run = spawn(python, args, { cwd: folder, env });
    let printed = '';
    run.stdout.on('data', (data: Buffer) => {
      printed += data.toString();
      if (/^step 2 /m.test(printed)) run.kill('SIGTERM');
    });
    expect(await new Promise((done) => run.on('close', done))).toBe(0);
    expect(printed).toContain('the same command goes on');
    const rest = train([...usual, '--out', 'stopped', '--steps', '6']);
    expect(rest).toMatch(/going on from .*state-0000000[2-6]\.pt/);
    expect(furthest(weights('stopped'), weights('alone'))).toBe(0);
  });

  test('trained weights give the logits of PyTorch in a package', () => {
    const lamella = (...args: readonly string[]) =>
      execFileSync(process.execPath, [join(root, 'packages/cli/bin/lamella.js'), ...args], {
        encoding: 'utf8',
        cwd: root,
      });
    const file = join(folder, 'alone', 'model.safetensors');
    const out = join(folder, 'package');
    lamella('compile', 'graphs/assistant.ts', '--weights', file, '--quant', 'f32', '--out', out);
    const tokens = '256,99,100,101,258,99';
    const compiled = JSON.parse(lamella('logits', out, '--tokens', tokens, '--all', '--json')) as {
      logits: number[][];
    };
    const printed = execFileSync(python, ['logits.py', file, tokens], { cwd: folder, encoding: 'utf8', env });
    const expected = (JSON.parse(printed) as { logits: number[][] }).logits;
    const largest = Math.max(...expected.flat().map(Math.abs));
    for (const [t, row] of expected.entries())
      for (const [i, logit] of row.entries())
        expect(Math.abs(logit - compiled.logits[t]![i]!)).toBeLessThan(1e-4 * largest);
  });

  test('products in bf16, an init by name, weights to start from, and validation', () => {
    const small = ['--steps', '2', '--validation', 'copy.jsonl'];
    const bf16 = train([...usual, ...small, '--out', 'bf16', '--precision', 'bf16', '--init', 'mobilellm']);
    expect(losses(bf16)).toHaveLength(2);
    // Logits of small random weights are near 0, so the first loss is near ln(260).
    expect(losses(bf16)[0]).toBeCloseTo(Math.log(260), 1);
    expect(bf16).toMatch(/^step 2 {2}copy: loss [\d.]+, exact 0\.0 %$/m);
    const on = train([...usual, ...small, '--out', 'on', '--weights', 'alone/model.safetensors']);
    expect(losses(on)[0]).toBeLessThan(losses(alone)[2]!);
  });

  test.each([4, 8] as const)('the weights of %d bits are those of packages, to the bit', (bits) => {
    const [rows, columns] = [40, 70];
    const random = new Random(3);
    const gaussian = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    // Rows of many sizes, subnormal halves among them, zeros, equal magnitudes of both signs, and
    // weights of a file of each format.
    const values = Float32Array.from({ length: rows * columns }, (_, i) => {
      const row = Math.floor(i / columns);
      if (row === 0) return 0;
      if (row === 1) return i % 2 === 0 ? 0.5 : -0.5;
      if (row === 2) return (random.below(16) - 8) * 0.0625;
      if (row === 3) return (random.below(256) - 128) * 0.0029296875;
      return gaussian() * 2 ** (row - 30);
    });
    const program = `
import json, torch
from quantisation import quantised
given = json.load(open("input.json"))
print(json.dumps(quantised(torch.tensor(given, dtype=torch.float32).reshape(${rows}, ${columns}), ${bits}).flatten().tolist()))`;
    const found = inPython(program, JSON.stringify([...values])) as number[];
    expect(unsigned(found)).toEqual(unsigned(storedByOracle(values, rows, columns, bits)));
  });

  test.each(['q4', 'q8'] as const)('training as %s ends with weights stored without loss', (format) => {
    const args = [...usual, '--out', format, '--qat', format, '--steps'];
    const printed = train([...args, '2', '--save-every', '2']) + train([...args, '4']);
    expect(losses(printed)).toHaveLength(4);
    expect(losses(printed)[3]!).toBeLessThan(losses(printed)[0]!);
    const file = readFileSync(join(folder, format, 'model.safetensors'));
    const start = 8 + Number(file.readBigUInt64LE(0));
    const { __metadata__, ...header } = JSON.parse(file.toString('utf8', 8, start)) as Record<
      string,
      { shape: number[]; data_offsets: number[] }
    >;
    expect(__metadata__).toEqual({ format: 'pt' });
    expect(Object.keys(header).sort()).toEqual(assistant.weights.map(({ name }) => name).sort());
    for (const { name, role } of assistant.weights) {
      if (role !== 'matrix' && role !== 'table') continue;
      const { shape, data_offsets: at } = header[name]!;
      const data = new Float32Array(
        file.buffer.slice(file.byteOffset + start + at[0]!, file.byteOffset + start + at[1]!),
      );
      const bits = format === 'q4' && role === 'matrix' ? 4 : 8;
      expect(unsigned(storedByOracle(data, shape[0]!, shape[1]!, bits))).toEqual(unsigned([...data]));
    }
  });

  test('the last steps can be those that compute with a format', () => {
    const short = [...usual, '--steps', '3'];
    const last = losses(train([...short, '--out', 'last', '--qat', 'q4', '--qat-steps', '1']));
    expect(last.slice(0, 2)).toEqual(losses(alone).slice(0, 2));
    expect(last[2]).not.toBe(losses(alone)[2]);
  });

  test.skipIf(!hasMuon)('Muon trains the matrices of blocks, and goes on', () => {
    const args = [...usual, '--out', 'muon', '--optimizer', 'muon', '--steps'];
    const printed = train([...args, '3']) + train([...args, '6']);
    expect(losses(printed)).toHaveLength(6);
    expect(losses(printed)[5]!).toBeLessThan(losses(printed)[0]!);
    expect(losses(train([...usual, '--out', 'muon-at-once', '--optimizer', 'muon', '--steps', '6']))[1]).toBe(
      losses(printed)[1],
    );
    expect(train([...usual, '--out', 'muon', '--steps', '7'])).toContain('of a run with another optimizer');
  });

  test('bad input gets one line', () => {
    writeFileSync(join(folder, 'bad.jsonl'), '{"text":[1,2]}\n{"txt":[1]}\n');
    writeFileSync(join(folder, 'ids.jsonl'), '{"text":[1,260]}\n');
    writeFileSync(join(folder, 'text.jsonl'), '{"text":"hello"}\n');
    const one = ['--out', 'bad', '--steps', '1', '--batch', '1'];
    expect(train(['--data', 'bad.jsonl', ...one])).toBe(
      'bad.jsonl:2: a line is {"text": ...}, {"prompt": ..., "answer": ...} or {"parts": [...]}\n',
    );
    expect(train(['--data', 'ids.jsonl', ...one])).toContain(
      'ids.jsonl:1: an example has at least 2 token ids, each from 0 to 259\n',
    );
    expect(train(['--data', 'text.jsonl', ...one])).toContain('text.jsonl:1: the data are texts; pass --tokenizer');
    expect(train([...usual, '--out', 'alone', '--steps', '7', '--seed', '2'])).toContain('of a run with another seed');
    mkdirSync(join(folder, 'other'));
    writeFileSync(join(folder, 'other', 'config.json'), '{"model_type":"llama"}');
    expect(train([...usual, '--out', 'other', '--steps', '1'])).toContain('config.json is not written by Lamella');
    expect(train(['--data', 'none.jsonl', ...one])).toBe('none.jsonl: No such file or directory\n');
  });

  test.skipIf(!has('tokenizers'))('texts are trained through a tokenizer', () => {
    writeFileSync(
      join(folder, 'texts.jsonl'),
      '{"text":"hello there"}\n{"prompt":"<bos>hi<sep>","answer":"ho<eos>"}\n{"parts":["a",[98],"c",[100,257]]}\n',
    );
    const tokenizer = join(root, 'graphs/assistant/tokenizer.json');
    const printed = train([
      '--data',
      'texts.jsonl',
      '--out',
      'texts',
      '--steps',
      '1',
      '--batch',
      '2',
      '--tokenizer',
      tokenizer,
    ]);
    expect(printed).toContain('3 examples, 23 tokens');
  });
});
