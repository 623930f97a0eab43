/**
 * The progress of loading, and afterwards the device: the text of a button, and a line below the
 * header.
 */
import { loading } from './model.ts';
import { bytes } from './units.ts';

/** The displayed name of a device. */
export const deviceName = { webgpu: 'WebGPU', wasm: 'WASM' } as const;

export function DeviceButton({ onClick }: { readonly onClick: () => void }) {
  return (
    <button type="button" class="device" data-state={loading.value.kind} onClick={onClick} aria-haspopup="dialog">
      <i />
      {short()}
    </button>
  );
}

function short(): string {
  const now = loading.value;
  if (now.kind === 'failed') return 'Not loaded';
  if (now.kind === 'loading') return now.totalBytes === null ? 'Loading' : `${bytes(now.doneBytes)}`;
  const { device, threads } = now.model.running;
  return threads > 1 ? `${deviceName[device]} × ${threads}` : deviceName[device];
}

/** A line as long as the loaded share; nothing once everything is loaded. */
export function LoadingBar() {
  const now = loading.value;
  if (now.kind !== 'loading') return null;
  const { doneBytes, totalBytes } = now;
  return (
    <progress
      class="loading"
      aria-label="Loading the model"
      {...(totalBytes === null ? {} : { value: doneBytes, max: totalBytes })}
    />
  );
}

/** The progress in words, for users of screen readers and for exact numbers. */
export function LoadingText() {
  const now = loading.value;
  if (now.kind !== 'loading') return null;
  const { doneBytes, totalBytes } = now;
  return (
    <p class="loading-text" role="status">
      {totalBytes === null ? 'Loading the model …' : `Loading the model: ${bytes(doneBytes)} of ${bytes(totalBytes)}`}
    </p>
  );
}
