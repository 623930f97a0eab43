/**
 * Opens a graph file from the user's disk and saves it. Browsers with the File System Access API
 * write into the opened file; others read an upload and write a download.
 */
import { open, opened, source } from '../version.ts';
import { shown, stored } from './endings.ts';

/** The part of the API that is used; TypeScript's library does not have it yet. */
interface Pickers {
  showOpenFilePicker?(options: object): Promise<readonly FileSystemFileHandle[]>;
  showSaveFilePicker?(options: object): Promise<FileSystemFileHandle>;
}

/** The file that the editor was opened with, to be written by `save`. */
interface Source {
  readonly handle: FileSystemFileHandle | null;
  /** The file's text, with its line endings. */
  text: string;
}

const pickers: Window & Pickers = window;
const types = [{ description: 'Graph', accept: { 'text/typescript': ['.ts', '.mts'] } }];
let from: Source = { handle: null, text: '' };

/** Asks for a file and opens it. Returns its name, or null if the user chooses none. */
export async function openFile(): Promise<string | null> {
  const chosen = pickers.showOpenFilePicker
    ? await pickers.showOpenFilePicker({ types }).then(async ([handle]) => take(handle!), none)
    : await upload();
  if (!chosen) return null;
  const { file, handle } = chosen;
  const text = await file.text();
  from = { handle, text };
  open({ file: file.name, source: shown(text) });
  return file.name;
}

/**
 * Writes the text into the opened file. A file that has changed on disk since, and a text without a
 * file, are saved under a name that the user chooses. Returns the name of the file, or null if the
 * user chooses none.
 */
export async function saveFile(): Promise<string | null> {
  const name = opened.value.file.split('/').at(-1)!;
  const text = stored(from.text, source.value);
  if (!pickers.showSaveFilePicker) return download(name, new Blob([text], { type: 'text/typescript' }));
  let { handle } = from;
  if (!handle || (await (await handle.getFile()).text()) !== from.text)
    handle = await pickers.showSaveFilePicker({ types, suggestedName: name }).catch(none);
  if (!handle) return null;
  // The file is replaced when the stream is closed, and not before.
  const stream = await handle.createWritable();
  await stream.write(text);
  await stream.close();
  from = { handle, text };
  return handle.name;
}

/** Forgets the opened file: the editor shows another graph. */
export function forgetFile(): void {
  from = { handle: null, text: '' };
}

async function take(handle: FileSystemFileHandle): Promise<{ file: File; handle: FileSystemFileHandle }> {
  return { file: await handle.getFile(), handle };
}

function upload(): Promise<{ file: File; handle: null } | null> {
  const input = Object.assign(document.createElement('input'), { type: 'file', accept: '.ts,.mts' });
  return new Promise((resolve) => {
    input.onchange = () => resolve(input.files?.[0] ? { file: input.files[0], handle: null } : null);
    input.oncancel = () => resolve(null);
    input.click();
  });
}

/** Downloads `content` as a file. Returns its name. */
export function download(name: string, content: Blob): string {
  const href = URL.createObjectURL(content);
  Object.assign(document.createElement('a'), { href, download: name }).click();
  URL.revokeObjectURL(href);
  return name;
}

/** The API rejects if the user closes its dialog. */
function none(error: unknown): null {
  if (error instanceof DOMException && error.name === 'AbortError') return null;
  throw error;
}
