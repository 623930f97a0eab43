/**
 * Opens, saves and shares the graph in the editor, downloads its package, and says what was done.
 * With `lamella dev` there are no such buttons: the file is saved already, the page's address ends
 * with the command, and `lamella compile` writes the package.
 */
import { bytes } from '@lamella/report/units';
import { signal } from '@preact/signals';
import { openFile, saveFile } from '../document/file.ts';
import { linkOf } from '../document/share.ts';
import { downloadPackage, making, stopDownload } from '../download/current.ts';
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
      <PackageButton />
      <span role="status">{said.value}</span>
    </div>
  );
}

/**
 * One button for both, so that it keeps the focus. A graph that waits for its reader is not run.
 */
function PackageButton() {
  const now = making.value;
  return (
    <>
      <button type="button" disabled={isHeld.value} onClick={now ? stopDownload : () => attempt(downloadIt)}>
        {now ? 'Stop' : 'Download package'}
      </button>
      {now && (
        <>
          <progress aria-label="Progress of the package" {...(now.of > 0 ? { value: now.done, max: now.of } : {})} />
          <span role="status">{now.step}</span>
        </>
      )}
    </>
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

async function downloadIt(): Promise<string> {
  const made = await downloadPackage();
  return made ? `downloaded ${made.name}: ${bytes(made.bytes)}, weights random:1` : 'stopped';
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
