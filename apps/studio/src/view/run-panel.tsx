/**
 * Runs the version in the editor: its options, its progress, and its measured beside its planned
 * figures.
 */
import { type Device, devices } from '@lamella/runtime/choices';
import { common } from '../live/live.ts';
import { isOld, run, start, stop } from '../run/current.ts';
import { outcomeTable } from '../run/outcome.ts';
import { Markup } from './markup.tsx';
import { isShown } from './tabs.tsx';

const deviceLabels: Readonly<Record<Device, string>> = { auto: 'the fastest', wasm: 'WASM', webgpu: 'WebGPU' };

export function RunPanel() {
  return (
    <section id="panel-run" role="tabpanel" aria-labelledby="tab-run" hidden={!isShown('run')}>
      <RunForm />
      <Result />
    </section>
  );
}

function RunForm() {
  const isRunning = run.value.kind === 'running';
  return (
    <form
      id="run-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (isRunning) return stop();
        const fields = new FormData(event.currentTarget);
        start({
          device: fields.get('device') as Device,
          threads: Number(fields.get('threads')) || null,
          promptTokens: Number(fields.get('promptTokens')),
          maxTokens: Number(fields.get('maxTokens')),
          prompt: String(fields.get('prompt') ?? ''),
        });
      }}
    >
      <label>
        Device{' '}
        <select name="device">
          {devices.map((device) => (
            <option key={device} value={device}>
              {deviceLabels[device]}
            </option>
          ))}
        </select>
      </label>
      <label>
        Threads{' '}
        <select name="threads">
          <option value="">automatic</option>
          <option>1</option>
          <option>2</option>
          <option>4</option>
        </select>
      </label>
      <label>
        Prompt <input name="promptTokens" type="number" min="1" max="2048" defaultValue="16" /> tokens
      </label>
      <label>
        Generate <input name="maxTokens" type="number" min="2" max="2048" defaultValue="64" /> tokens
      </label>
      {common.value?.weights && (
        <label class="text">
          Text <input name="prompt" placeholder="to continue; empty for made-up tokens" />
        </label>
      )}
      {/* One button for both, so that it keeps the focus; an invalid number in a field does not block Stop. */}
      <button type="submit" class={isRunning ? undefined : 'primary'} formNoValidate={isRunning}>
        {isRunning ? 'Stop' : 'Run'}
      </button>
    </form>
  );
}

function Result() {
  const now = run.value;
  if (now.kind === 'finished')
    return (
      <>
        {isOld.value && <p class="old-note">These are the figures of an earlier version.</p>}
        <Markup id="run-result" markup={outcomeTable(now.outcome).markup} />
      </>
    );
  return (
    <div class="report" id="run-result">
      {now.kind === 'none' && (
        <p class="lead">
          {common.value?.weights
            ? `Runs this model here, with the weights of ${common.value.weights}. `
            : 'Runs this model here, with random weights: speed and memory do not depend on their values. '}
          The package is made in this page, and the runtime that every package carries executes it.
        </p>
      )}
      {now.kind === 'running' && (
        <>
          <p class="step" role="status">
            {now.step}
          </p>
          <progress aria-label="Progress" {...(now.of > 0 ? { value: now.done, max: now.of } : {})} />
        </>
      )}
      {now.kind === 'stopped' && <p class="lead">Stopped.</p>}
      {now.kind === 'failed' && (
        <p class="failure" role="alert">
          {now.message}
        </p>
      )}
    </div>
  );
}
