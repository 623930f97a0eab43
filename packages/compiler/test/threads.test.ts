/** Barriers between threads, in a module that has nothing else. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { WASM_STEP } from '@lamella/runtime/step';
import { expect, test } from 'vitest';
import { assemble } from '../src/targets/wasm/assemble.ts';
import { threadFunctions } from '../src/targets/wasm/threads.ts';

/** Serves as thread 1, a tenth of a second after the step began. */
const late = `const { workerData: { module, memory } } = require('worker_threads');
const words = new Int32Array(memory.buffer);
Atomics.wait(words, ${WASM_STEP.begun}, 0);
Atomics.wait(words, ${WASM_STEP.never}, 0, 100);
new WebAssembly.Instance(module, { env: { memory } }).exports.serve(1);`;

test('after a long wait in a barrier, a thread sleeps early in the next 1024', async () => {
  const text = `(module (import "env" "memory" (memory 1 1 shared))
    ${threadFunctions(0, [['(call $barrier (local.get $thread))']]).join('\n')}
    (func (export "step") (call $together (i32.const 0))))`;
  const module = await WebAssembly.compile((await assemble(text)) as BufferSource);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = new Int32Array(memory.buffer);
  words[WASM_STEP.threads] = 2;
  words[WASM_STEP.patience] = 1 << 10;
  const worker = new Worker(late, { eval: true, workerData: { module, memory } });
  await once(worker, 'online');
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const { step, stop } = exports as Record<'step' | 'stop', () => void>;
  expect(words[WASM_STEP.early]).toBe(0);
  step();
  expect(words[WASM_STEP.early]).toBe(1024);
  step();
  expect(words[WASM_STEP.early]).toBeGreaterThan(0);
  stop();
  await once(worker, 'exit');
});
