/**
 * The name of the file that `lamella dev` has opened and whether it is saved, and above the code a
 * question to the user if the file and the text have both changed.
 */
import { common, keepMine, type LiveState, state, takeTheirs } from '../live/live.ts';

const labels: Readonly<Record<LiveState['kind'], string>> = {
  opening: 'opening',
  saved: 'saved',
  writing: 'saving',
  conflict: 'not saved',
  deleted: 'deleted on disk',
  ended: 'not connected',
  failed: 'not saved',
};

export function LiveFile() {
  const { kind } = state.value;
  return (
    <p id="live-file" data-state={kind}>
      <b title={common.value?.path}>{common.value?.path.split(/[\\/]/).at(-1)}</b>{' '}
      <span role="status">{labels[kind]}</span>
    </p>
  );
}

export function LiveNote() {
  const now = state.value;
  if (now.kind === 'conflict')
    return (
      <div class="note" role="alert">
        <p>
          The file has changed on disk, and the text has changed here. Nothing is written until you choose. Undo brings
          the other text back.
        </p>
        <button type="button" onClick={keepMine}>
          Keep this text
        </button>
        <button type="button" onClick={takeTheirs}>
          Take the file
        </button>
      </div>
    );
  if (now.kind === 'deleted')
    return (
      <p class="note" role="alert">
        The file was deleted. The next edit writes it again.
      </p>
    );
  if (now.kind === 'ended')
    return (
      <p class="note" role="alert">
        <code>lamella dev</code> cannot be reached: edits stay in this page until it answers.
      </p>
    );
  if (now.kind === 'failed')
    return (
      <p class="note" role="alert">
        The file was not written. {now.message}
      </p>
    );
  return null;
}
