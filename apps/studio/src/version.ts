/**
 * The version of the model in the editor: the author's file, the options for compiling it, and the
 * results of the compiler and the type checker. Both run in workers, so that typing never waits.
 */

import { usual } from '@lamella/runtime/choices';
import { computed, signal } from '@preact/signals';
import { CompilerLink } from './compile/link.ts';
import type { Edit, Fault, Picture, Version } from './compile/protocol.ts';
import { problemsOf } from './problems.ts';
import { first, type Template } from './templates.ts';
import { TypesLink } from './types/link.ts';
import type { TypeFault } from './types/protocol.ts';

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
  readonly state: 'busy' | 'good' | 'fault';
  readonly text: string;
}

/** The template that the editor was opened with. */
export const template = signal<Template>(first);
/** The text in the editor. */
export const source = signal(first.source);
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
  if (compiling.value) return { state: 'busy', text: 'compiling' };
  if (length > 0) return { state: 'fault', text: length === 1 ? 'one problem' : `${length} problems` };
  return { state: 'good', text: `compiled in ${(tookMs.value / 1000).toFixed(2)} s` };
});

export const types = new TypesLink();

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

/** Opens a template in the editor and compiles it. */
export function openTemplate(chosen: Template): void {
  template.value = chosen;
  source.value = chosen.source;
  findings.value = nothingFound(chosen.source);
  compile();
}

export function setOptions(chosen: Partial<Version['options']>): void {
  options.value = { ...options.value, ...chosen };
  compile();
}

/** Stores the new text, and compiles it after a pause in typing. */
export function edit(text: string): void {
  source.value = text;
  editedAt = performance.now();
  clearTimeout(timer);
  timer = setTimeout(send, PAUSE_MS);
}

/** The version in the form that a worker receives. */
export function currentVersion(): Version {
  return { file: template.value.file, source: source.value, options: options.value };
}

function compile(): void {
  editedAt = performance.now();
  clearTimeout(timer);
  send();
}

function send(): void {
  compiling.value = true;
  compiler.send({ id: ++lastId, ...currentVersion() });
}

/** The type checker starts after the picture: it is large, and the picture does not need it. */
async function finish({ id, source }: Edit, fault: Fault | null): Promise<void> {
  findings.value = { ...findings.value, source, fault };
  compiling.value = false;
  const typeFaults = await types.check(source);
  if (id === lastId) findings.value = { ...findings.value, typeFaults };
}
