/**
 * The page's side of `lamella dev`: the graph file on disk and the text in the editor follow each
 * other. If both change, nothing is written and nothing is replaced until the user chooses, and the
 * other text stays one undo away.
 */
import { LIVE, type LiveGraph, type WriteAnswer } from '@lamella/dsl/live';
import { effect, signal } from '@preact/signals';
import { shown, stored } from '../document/endings.ts';
import { open, replaceText, setFiles, settledText, source } from '../version.ts';

/** The address of the server's answers; null in a studio without a server. */
const address = document.querySelector<HTMLMetaElement>(`meta[name=${LIVE}]`)?.content ?? null;
export const isLive = address !== null;

export type LiveState =
  | { readonly kind: 'opening' | 'saved' | 'writing' }
  /** The file on disk and the text in the editor have both changed. */
  | { readonly kind: 'conflict' }
  /** The file was deleted; the next edit writes it again. */
  | { readonly kind: 'deleted' }
  /** The server has ended, or cannot be reached. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly message: string };

export const state = signal<LiveState>({ kind: 'opening' });
/** The last file that the editor and the disk had in common; null before the first. */
export const common = signal<LiveGraph | null>(null);

/** A request that outlives its page has at most 64 KiB (Fetch standard), some of them headers. */
const KEEPALIVE_BYTES = 60_000;

/** The changed file on disk during a conflict. */
let theirs: LiveGraph | null = null;
/** The text that is being written. */
let writing: string | null = null;

/** Opens the server's file, and keeps the editor and the file the same from then on. */
export function connect(): void {
  const events = new EventSource(`${address}graph`);
  events.onmessage = ({ data }: MessageEvent<string>) => receive(JSON.parse(data));
  events.onerror = () => {
    state.value = { kind: 'ended' };
  };
  effect(() => {
    settledText.value;
    write();
  });
  // A page that is closed in the middle of typing has text that was not written yet.
  addEventListener('pagehide', () => {
    if (common.value && isUnsaved() && !theirs) put(common.value, source.value, true);
  });
  addEventListener('beforeunload', (event) => {
    if (!common.value || !isUnsaved()) return;
    // The write at `pagehide` reaches the file unless it is too large.
    const isWritten = state.value.kind === 'writing' || state.value.kind === 'saved';
    if (!isWritten || new Blob([stored(common.value.text, source.value)]).size > KEEPALIVE_BYTES)
      event.preventDefault();
  });
}

/** Where a run reads weights for the text in the editor; null if it takes random ones. */
export function weightsAddress(): { readonly address: string; readonly label: string } | null {
  const graph = common.value;
  if (!graph?.weights) return null;
  const url = new URL(`${address}weights?revision=${graph.revision}`, document.baseURI);
  return { address: url.href, label: graph.weights };
}

/** Ends a conflict with the text in the editor; undo brings the file's text. */
export function keepMine(): void {
  if (!theirs) return;
  const onDisk = shown(theirs.text);
  settle(theirs);
  replaceText(onDisk, source.value);
  write();
}

/** Ends a conflict with the text of the file; undo brings the text that was in the editor. */
export function takeTheirs(): void {
  if (!theirs) return;
  replaceText(shown(theirs.text));
  settle(theirs);
}

function isUnsaved(): boolean {
  return common.value !== null && source.value !== shown(common.value.text);
}

function settle(graph: LiveGraph): void {
  common.value = graph;
  theirs = null;
  state.value = { kind: isUnsaved() ? 'writing' : graph.isThere ? 'saved' : 'deleted' };
}

function receive(graph: LiveGraph): void {
  const before = common.value;
  if (before === null) {
    common.value = graph;
    open({ file: graph.path, source: shown(graph.text), files: graph.files });
    state.value = { kind: 'saved' };
    return;
  }
  // An answer to a write can arrive before the event of an earlier change.
  if (graph.revision < before.revision) return;
  setFiles(graph.files);
  const [mine, old, now] = [source.value, shown(before.text), shown(graph.text)];
  if (mine === now || now === writing) settle(graph);
  else if (mine === old) {
    replaceText(now);
    settle(graph);
  } else if (now === old) {
    settle(graph);
    write();
  } else {
    theirs = graph;
    state.value = { kind: 'conflict' };
  }
}

/** Writes the text in the editor to the file, if they differ. */
async function write(): Promise<void> {
  const from = common.value;
  if (!from || theirs || writing !== null || !isUnsaved()) return;
  writing = source.value;
  state.value = { kind: 'writing' };
  try {
    const response = await put(from, writing, false);
    if (!response.ok) {
      state.value = { kind: 'failed', message: await response.text() };
      return;
    }
    const { graph }: WriteAnswer = await response.json();
    receive(graph);
  } catch {
    state.value = { kind: 'ended' };
    return;
  } finally {
    writing = null;
  }
  if (settledText.value === source.value) write();
}

function put(from: LiveGraph, text: string, keepalive: boolean): Promise<Response> {
  const body = stored(from.text, text);
  return fetch(`${address}graph?revision=${from.revision}`, { method: 'PUT', body, keepalive });
}
