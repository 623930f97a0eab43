/** Shown when the model could not be loaded: the reason, and what the user can do. */
import { Failure } from './failure.tsx';
import { isOwn, loading, open, settings } from './model.ts';

export function LoadFailure() {
  const now = loading.value;
  if (now.kind !== 'failed') return null;
  const chosen = settings.value;
  return (
    <Failure title="The model could not be loaded" error={now.error}>
      <button type="button" class="primary" onClick={() => open(chosen)}>
        Try again
      </button>
      {chosen.device !== 'auto' && (
        <button type="button" onClick={() => open({ ...chosen, device: 'auto' })}>
          Let the app choose the device
        </button>
      )}
      {!isOwn.value && (
        <button type="button" onClick={() => open({ ...chosen, package: null })}>
          Back to the assistant
        </button>
      )}
    </Failure>
  );
}
