/**
 * The studio: a model in an editor, and beside it what the compiler makes of every version of it. The compiler, the type checker and a run are
 * in workers of their own, so that typing never waits. There is no server: this page is all of it.
 */
import { style } from '@lamella/report/style';
import { formatNames, kvNames, usual } from '@lamella/runtime/choices';
import { CompilerLink } from './compile/link.ts';
import type { Edit, Fault, Picture } from './compile/protocol.ts';
import './style.css';
import { first, templates } from './templates.ts';
import { TypesLink } from './types/link.ts';
import type { TypeFault } from './types/protocol.ts';
import { openEditor } from './view/editor.ts';
import { listProblems, problemsOf } from './view/faults.ts';
import { KernelView } from './view/kernels.ts';
import { openRun } from './view/run.ts';
import { openTabs } from './view/tabs.ts';

/** Milliseconds without a keystroke before a version is compiled. */
const PAUSE = 250;

const find = <E extends Element = HTMLElement>(selector: string) => document.querySelector<E>(selector)!;
// Before the studio's own, which changes a few things.
document.head.prepend(Object.assign(document.createElement('style'), { textContent: style }));

const types = new TypesLink();
const kernels = new KernelView();
const template = find<HTMLSelectElement>('#template');
const [quant, kv] = [find<HTMLSelectElement>('#quant'), find<HTMLSelectElement>('#kv')];
quant.append(...formatNames.map((name) => new Option(name, name, name === usual.format, name === usual.format)));
kv.append(...kvNames.map((name) => new Option(name, name, name === usual.kv, name === usual.kv)));
template.append(...templates.map(({ file }) => new Option(file.replace(/^graphs\/|\.ts$/g, ''), file)));
template.value = first.file;

let lastId = 0;
let edited = 0;
let run: Fault | null = null;
let typeFaults: readonly TypeFault[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

const editor = openEditor(find('#editor'), types, () => {
  edited = performance.now();
  clearTimeout(timer);
  timer = setTimeout(compile, PAUSE);
});
openTabs(matchMedia('(min-width: 60rem)').matches ? 'pictures' : 'code', () => {});
openRun(version);

const link = new CompilerLink({
  picture(edit, picture) {
    if (edit.id !== lastId) return;
    run = null;
    show(picture);
    showFaults();
    status('good', `compiled in ${((performance.now() - edited) / 1000).toFixed(2)} s`);
    check(edit);
  },
  fault(edit, fault) {
    if (edit.id !== lastId) return;
    run = fault;
    document.body.classList.add('stale');
    showFaults();
    check(edit);
  },
});

template.onchange = open;
quant.onchange = () => again();
kv.onchange = () => again();
open();

/** The template that is chosen. */
function open(): void {
  const { source } = templates.find(({ file }) => file === template.value)!;
  typeFaults = [];
  editor.open(source);
  again();
}

function again(): void {
  edited = performance.now();
  clearTimeout(timer);
  compile();
}

function version(): Omit<Edit, 'id'> {
  const options = { quant: quant.value, kv: kv.value } as Edit['options'];
  return { file: template.value, source: editor.text, options };
}

function compile(): void {
  status('busy', 'compiling');
  link.send({ id: ++lastId, ...version() });
}

/** Behind the pictures: the checker is large, and who waits for a picture does not wait for it. */
async function check({ id, source }: Edit): Promise<void> {
  const found = await types.check(source);
  if (id !== lastId) return;
  typeFaults = found;
  showFaults();
}

function show({ name, markup, kernels: texts, withoutGpu }: Picture): void {
  const into = find('#pictures');
  // What a reader has unfolded stays unfolded.
  const open = [...into.querySelectorAll('details')].map((each) => each.open);
  into.innerHTML = markup;
  into.querySelectorAll('details').forEach((each, i) => {
    each.open = open[i] ?? false;
  });
  kernels.show(texts, withoutGpu);
  document.title = `${name} · Lamella studio`;
  document.body.classList.remove('stale');
}

function showFaults(): void {
  const problems = problemsOf(editor, typeFaults, run);
  editor.mark(problems.filter(({ line }) => line !== null));
  listProblems(find('#problems'), problems, editor.goTo);
  const number = find('#problem-count');
  number.hidden = problems.length === 0;
  number.textContent = String(problems.length);
  if (problems.length > 0) status('fault', problems.length === 1 ? 'one problem' : `${problems.length} problems`);
}

function status(state: 'busy' | 'good' | 'fault', text: string): void {
  const element = find('#status');
  element.dataset.state = state;
  find('#status span').textContent = text;
}
