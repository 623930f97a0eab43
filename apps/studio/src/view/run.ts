/** The run of a version: a worker of its own for each, its progress, and what it measured beside what was planned. */

import { html } from '@lamella/report/html';
import { type Device, devices } from '@lamella/runtime/choices';
import type { Edit } from '../compile/protocol.ts';
import { outcomeTable } from '../run/outcome.ts';
import type { RunRequest, RunSaid } from '../run/protocol.ts';

const find = <E extends Element>(selector: string) => document.querySelector<E>(selector)!;

/** What a person reads for each device. */
const deviceLabels: Readonly<Record<Device, string>> = { auto: 'the fastest', wasm: 'WASM', webgpu: 'WebGPU' };

/** `version` is asked for the version in the editor when a run begins. */
export function openRun(version: () => Omit<Edit, 'id'>): void {
  const [form, start, stop] = [
    find<HTMLFormElement>('#run-form'),
    find<HTMLButtonElement>('#run'),
    find<HTMLButtonElement>('#stop'),
  ];
  const result = find<HTMLElement>('#run-result');
  const value = (id: string) => find<HTMLInputElement | HTMLSelectElement>(id).value;
  find<HTMLSelectElement>('#device').append(...devices.map((device) => new Option(deviceLabels[device], device)));
  let worker: Worker | null = null;
  const end = () => {
    worker?.terminate();
    worker = null;
    start.hidden = false;
    stop.hidden = true;
  };
  const show = (markup: string) => {
    result.innerHTML = markup;
  };
  const hear = (said: RunSaid) => {
    if (said.kind === 'step') return showStep(result, said);
    end();
    if (said.kind === 'outcome') show(outcomeTable(said.outcome).markup);
    else show(html`<p class="failure" role="alert">${said.message}</p>`.markup);
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    end();
    [start.hidden, stop.hidden] = [true, false];
    stop.focus();
    const threads = value('#threads');
    const request: RunRequest = {
      ...version(),
      device: value('#device') as RunRequest['device'],
      threads: threads === '' ? null : Number(threads),
      promptTokens: Number(value('#prompt-tokens')),
      maxTokens: Number(value('#max-tokens')),
    };
    worker = new Worker(new URL('../run/worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<RunSaid>) => hear(data);
    worker.onerror = ({ message }) => hear({ kind: 'failure', message: message || 'the worker of the run failed' });
    show('<p class="step" role="status"></p><progress aria-label="Progress"></progress>');
    worker.postMessage(request);
  };
  stop.onclick = () => {
    end();
    start.focus();
    show('<p class="lead">Stopped.</p>');
  };
}

function showStep(result: HTMLElement, { step, done, of }: Extract<RunSaid, { kind: 'step' }>): void {
  const [text, bar] = [result.querySelector('.step'), result.querySelector('progress')];
  if (!text || !bar) return;
  if (text.textContent !== step) text.textContent = step;
  if (of > 0) [bar.max, bar.value] = [of, done];
  else bar.removeAttribute('value');
}
