/**
 * The version of the model in the editor: the author's file, the options for compiling it, and the
 * results of the compiler and the type checker. Both run in workers, so that typing never waits.
 */

import type { AuthorFile } from '@lamella/dsl/live';
import { usual } from '@lamella/runtime/choices';
import { computed, signal } from '@preact/signals';
import { CompilerLink } from './compile/link.ts';
import type { Edit, Fault, Picture, Version } from './compile/protocol.ts';
import { problemsOf } from './problems.ts';
import { first } from './templates.ts';
import { TypesLink } from './types/link.ts';
import type { Typed, TypeFault } from './types/protocol.ts';

/** Time without a keystroke before a version is compiled. */
const PAUSE_MS = 250;

/** The results for one version of the text. */
interface Findings {
  readonly source: string;
  readonly typeFaults: readonly TypeFault[];
  /** The fault that ended the author's code or the compilation. */
  readonly fault: Fault | null;
}

export interface Status {
  readonly state: 'waiting' | 'busy' | 'good' | 'fault';
  readonly text: string;
}

/** A file that the editor was opened with. */
export interface Opened {
  /** The path or name that messages use. */
  readonly file: string;
  readonly source: string;
  /** The file and its imports, if it may have any. */
  readonly files?: readonly AuthorFile[];
}

/** The file in the editor, as it was opened. */
export const opened = signal<Opened>(first);
/** The text in the editor. */
export const source = signal(first.source);
/** The text in the editor after the last pause in typing. */
export const settledText = signal(first.source);
/** Texts that replace the one in the editor, each as one step of its history. */
export const replacement = signal<readonly string[]>([]);
export const options = signal<Version['options']>({ quant: usual.format, kv: usual.kv });
/** The last version without a fault; null before the first. */
export const picture = signal<Picture | null>(null);

const nothingFound = (source: string): Findings => ({ source, typeFaults: [], fault: null });
const findings = signal(nothingFound(first.source));
export const problems = computed(() => {
  const { source, typeFaults, fault } = findings.value;
  return problemsOf(source, typeFaults, fault);
});
/** Whether the picture is older than the text in the editor because of a fault. */
export const isStale = computed(() => findings.value.fault !== null);

const compiling = signal(true);
/** Time from the last edit to its picture. */
const tookMs = signal(0);
export const status = computed((): Status => {
  const { length } = problems.value;
  if (isHeld.value) return { state: 'waiting', text: 'not compiled' };
  if (compiling.value) return { state: 'busy', text: 'compiling' };
  if (length > 0) return { state: 'fault', text: length === 1 ? 'one problem' : `${length} problems` };
  return { state: 'good', text: `compiled in ${(tookMs.value / 1000).toFixed(2)} s` };
});

export const types = new TypesLink();

/** The text in the editor with the imported files, for the type checker. */
export function typed(source: string): Typed {
  return { source, files };
}

let lastId = 0;
let editedAt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
const compiler = new CompilerLink({
  picture(compiled, made) {
    if (compiled.id !== lastId) return;
    tookMs.value = performance.now() - editedAt;
    picture.value = made;
    finish(compiled, null);
  },
  fault(compiled, fault) {
    if (compiled.id === lastId) finish(compiled, fault);
  },
});

/** The file's imports, which another program may change. */
let files: readonly AuthorFile[] = [];

/** Whether the text in the editor waits for the user before it is compiled for the first time. */
export const isHeld = signal(false);

/** Opens a file in the editor and compiles it. */
export function open(chosen: Opened): void {
  show(chosen);
  compile();
}

/** Opens a file from elsewhere in the editor, without running it: `compileHeld` does. */
export function openHeld(chosen: Opened): void {
  show(chosen);
  isHeld.value = true;
}

/** Compiles the text that `openHeld` has opened, and from then on each version. */
export function compileHeld(): void {
  isHeld.value = false;
  compile();
}

function show(chosen: Opened): void {
  isHeld.value = false;
  files = chosen.files ?? [];
  opened.value = chosen;
  source.value = chosen.source;
  findings.value = nothingFound(chosen.source);
}

/**
 * Replaces the text in the editor by each of `texts` in turn, as steps of its history, and compiles
 * the last.
 */
export function replaceText(...texts: readonly string[]): void {
  source.value = texts.at(-1)!;
  // The editor follows a moment later.
  replacement.value = texts;
  compile();
}

/** Sets the imported files, and compiles the version again if one has changed. */
export function setFiles(changed: readonly AuthorFile[]): void {
  const imported = (all: readonly AuthorFile[]) => JSON.stringify([all[0]?.imports, all.slice(1)]);
  const isSame = imported(files) === imported(changed);
  files = changed;
  if (!isSame) compile();
}

export function setOptions(chosen: Partial<Version['options']>): void {
  options.value = { ...options.value, ...chosen };
  compile();
}

/** Stores the new text, and compiles it after a pause in typing. */
export function edit(text: string): void {
  // The editor calls this inside an effect, which must not run again for each text.
  if (text === source.peek()) return;
  source.value = text;
  editedAt = performance.now();
  clearTimeout(timer);
  if (!isHeld.peek()) timer = setTimeout(send, PAUSE_MS);
}

/** The version in the form that a worker receives. */
export function currentVersion(): Version {
  return { file: opened.value.file, source: source.value, files, options: options.value };
}

function compile(): void {
  if (isHeld.value) return;
  editedAt = performance.now();
  clearTimeout(timer);
  send();
}

function send(): void {
  compiling.value = true;
  settledText.value = source.value;
  compiler.send({ id: ++lastId, ...currentVersion() });
}

/** The type checker starts after the picture: it is large, and the picture does not need it. */
async function finish({ id, source, files }: Edit, fault: Fault | null): Promise<void> {
  findings.value = { ...findings.value, source, fault };
  compiling.value = false;
  const typeFaults = await types.check({ source, files });
  if (id === lastId) findings.value = { ...findings.value, typeFaults };
}
