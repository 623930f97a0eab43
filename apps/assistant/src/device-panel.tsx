/**
 * The panel with the device and the reason for it, speed, memory and the model, and the controls to
 * choose them.
 */
import { useId } from 'preact/hooks';
import { lastStats } from './conversation.ts';
import { Chip } from './icons.tsx';
import { deviceName, LoadingText } from './loading.tsx';
import { isOwn, loading, open, settings } from './model.ts';
import { type Device, devices } from './settings.ts';
import { bytes, count, milliseconds, rate } from './units.ts';

export function DevicePanel() {
  return (
    <div class="panel">
      <Computes />
      <Speed />
      <Memory />
      <Model />
      <Another />
    </div>
  );
}

function Computes() {
  const now = loading.value;
  const running = now.kind === 'ready' ? now.model.running : null;
  const threads = running && running.device === 'wasm' ? running.threads : null;
  return (
    <section>
      <h2>Device</h2>
      <p class="running" data-state={now.kind}>
        <Chip />
        <strong>{running ? deviceName[running.device] : now.kind === 'failed' ? 'None' : '…'}</strong>
        {threads !== null && <span>{threads === 1 ? '1 thread' : `${threads} threads`}</span>}
      </p>
      <LoadingText />
      {running && <p class="note">{sentence(running.why)}</p>}
      <DeviceSwitch />
      <Threads />
    </section>
  );
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const label: Readonly<Record<Device, string>> = { auto: 'Auto', webgpu: 'WebGPU', wasm: 'WASM' };

function DeviceSwitch() {
  const name = useId();
  const chosen = settings.value;
  return (
    <fieldset class="switch">
      <legend>Compute on</legend>
      {devices.map((device) => (
        <label key={device}>
          <input
            type="radio"
            name={name}
            checked={chosen.device === device}
            onChange={() => open({ ...chosen, device })}
          />
          <span>{label[device]}</span>
        </label>
      ))}
    </fieldset>
  );
}

/**
 * The most threads to offer: limited by the model's scratch memory and by the cores, since more
 * threads than cores only wait.
 */
function mostThreads(): number {
  const now = loading.value;
  const room = now.kind === 'ready' ? now.model.manifest.maxThreads : 1;
  return globalThis.crossOriginIsolated ? Math.min(room, navigator.hardwareConcurrency) : 1;
}

function Threads() {
  const id = useId();
  const chosen = settings.value;
  const most = Math.max(mostThreads(), chosen.threads ?? 1);
  return (
    <p class="choice">
      <label for={id}>Threads</label>
      <select
        id={id}
        disabled={chosen.device === 'webgpu'}
        value={chosen.threads ?? 0}
        onChange={({ currentTarget }) => open({ ...chosen, threads: Number(currentTarget.value) || null })}
      >
        <option value={0}>Auto</option>
        {Array.from({ length: most }, (_, i) => (
          <option key={i} value={i + 1}>
            {i + 1}
          </option>
        ))}
      </select>
    </p>
  );
}

function Speed() {
  const stats = lastStats.value;
  return (
    <section>
      <h2>Speed</h2>
      <p class="figure">
        <strong>{stats ? rate(stats.decodeTokensPerSecond) : '–'}</strong> tokens/s
      </p>
      <p class="note">
        {stats
          ? `First token after ${milliseconds(stats.timeToFirstTokenMs)}, ${count(stats.promptTokens)} tokens read at ${rate(stats.prefillTokensPerSecond)} a second.`
          : 'Of the last answer.'}
      </p>
    </section>
  );
}

function Memory() {
  const now = loading.value;
  const stats = lastStats.value;
  const planned = stats?.plannedBytes ?? (now.kind === 'ready' ? now.model.manifest.memory.plannedBytes : 0);
  if (planned === 0) return null;
  const peak = stats?.peakBytes ?? 0;
  return (
    <section>
      <h2>Memory</h2>
      <p class="figure">
        <strong>{bytes(planned)}</strong> planned
      </p>
      <meter aria-label="Peak memory" min={0} max={planned} value={peak} />
      <p class="note">
        {peak > 0
          ? `Peak while answering: ${bytes(peak)}.`
          : 'Planned before the download. The peak appears after the first answer.'}
      </p>
    </section>
  );
}

function Model() {
  const now = loading.value;
  if (now.kind !== 'ready') return null;
  const { name, context, quant, report } = now.model.manifest;
  const rows: readonly (readonly [string, string])[] = [
    ['Name', name],
    ['Parameters', count(report.parameters)],
    ['Format', quant],
    ['Blocks', `${report.weightSets} sets, run ${report.executions} times`],
    ['Weights', bytes(report.weightBytes)],
    ['Context', `${count(context)} tokens`],
  ];
  return (
    <section>
      <h2>Model</h2>
      <dl>
        {rows.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Another() {
  const id = useId();
  const chosen = settings.value;
  return (
    <section>
      <h2>Another package</h2>
      <form
        class="another"
        onSubmit={(event) => {
          event.preventDefault();
          const address = new FormData(event.currentTarget).get('package');
          if (typeof address === 'string' && address.trim() !== '') open({ ...chosen, package: address.trim() });
        }}
      >
        <label for={id}>Address of its folder</label>
        <div>
          <input
            id={id}
            name="package"
            type="text"
            inputMode="url"
            placeholder="https://…"
            autocomplete="url"
            spellcheck={false}
            defaultValue={chosen.package ?? ''}
          />
          <button type="submit">Open</button>
        </div>
      </form>
      {!isOwn.value && (
        <button type="button" onClick={() => open({ ...chosen, package: null })}>
          Back to the assistant
        </button>
      )}
    </section>
  );
}
