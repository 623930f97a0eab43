/**
 * Opens, saves and shares the graph in the editor, and says what was done. With `lamella dev` there
 * are no such buttons: the file is saved already, and the page's address ends with the command.
 */
import { signal } from '@preact/signals';
import { openFile, saveFile } from '../document/file.ts';
import { linkOf } from '../document/share.ts';
import { compileHeld, isHeld, opened, source } from '../version.ts';

const said = signal('');

export function DocumentButtons() {
  return (
    <div class="document">
      <button type="button" onClick={() => attempt(openIt)}>
        Open
      </button>
      <button type="button" onClick={() => attempt(save)}>
        Save
      </button>
      <button type="button" onClick={() => attempt(share)}>
        Share
      </button>
      <span role="status">{said.value}</span>
    </div>
  );
}

/** Shown above the code while a graph from a link waits. */
export function HeldNote() {
  if (!isHeld.value) return null;
  return (
    <div class="note">
      <p>This graph comes from a link. A graph is a program: read it before you compile it.</p>
      <button type="button" class="primary" onClick={compileHeld}>
        Compile it
      </button>
    </div>
  );
}

async function attempt(act: () => Promise<string>): Promise<void> {
  said.value = '';
  try {
    said.value = await act();
  } catch (error) {
    said.value = error instanceof Error ? error.message : String(error);
  }
}

async function openIt(): Promise<string> {
  const name = await openFile();
  return name === null ? '' : `opened ${name}`;
}

async function save(): Promise<string> {
  const name = await saveFile();
  return name === null ? '' : `saved ${name}`;
}

/** The link becomes the page's address too: a browser may not allow the clipboard. */
async function share(): Promise<string> {
  const link = await linkOf({ file: opened.value.file, source: source.value }, location.href);
  history.replaceState(null, '', link);
  try {
    await navigator.clipboard.writeText(link);
    return 'link copied';
  } catch {
    return 'the address of this page is the link';
  }
}
