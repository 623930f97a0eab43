/**
 * What is wrong with the version in the editor, from the two who look at it: the type checker, which finds every wrong axis, and the run of
 * the author's code with the verifier behind it, which ends at the first fault but knows a remedy. A fault both find is said once.
 */
import type { Fault } from '../compile/protocol.ts';
import type { TypeFault } from '../types/protocol.ts';
import type { Editor, Marked } from './editor.ts';

export interface Problem extends Marked {
  /** null for what has no place in the file. */
  readonly line: number | null;
}

/** In the order of the file. */
export function problemsOf(editor: Editor, types: readonly TypeFault[], run: Fault | null): readonly Problem[] {
  const found: Problem[] = types.map(({ from, to, message }) => ({ from, to, message, line: editor.line(from) }));
  if (run?.line) {
    const from = editor.position(run.line, run.column ?? 1);
    const same = types.findIndex(({ code, from: at }) => code === run.code && editor.line(at) === run.line);
    const word = /^[\w$.]+/.exec(editor.text.slice(from))?.[0].length ?? 1;
    const place = same < 0 ? { from, to: from + word } : { from: types[same]!.from, to: types[same]!.to };
    if (same >= 0) found.splice(same, 1);
    found.push({ ...place, message: run.message, line: run.line });
  } else if (run) found.push({ from: 0, to: 0, message: run.message, line: null });
  return found.sort((a, b) => a.from - b.from);
}

/** The list below the editor; a problem with a place leads there. */
export function listProblems(into: HTMLElement, problems: readonly Problem[], goTo: (at: number) => void): void {
  into.replaceChildren(
    ...problems.map(({ line, from, message }) => {
      const [, code = '', sentence = message] = /^(L\d+) ([\s\S]*)$/.exec(message) ?? [];
      const [what = '', remedy] = sentence.split(/\. Try (?=[\s\S]*$)/);
      const item = document.createElement(line === null ? 'p' : 'button');
      item.className = 'problem';
      if (item instanceof HTMLButtonElement) {
        item.type = 'button';
        item.onclick = () => goTo(from);
      }
      const add = (name: string, text: string) => {
        if (!text) return;
        const part = item.appendChild(document.createElement('span'));
        part.className = name;
        part.textContent = text;
      };
      add('where', line === null ? '' : `line ${line}`);
      add('code', code);
      add('what', what);
      add('remedy', remedy ? `Try ${remedy}` : '');
      return item;
    }),
  );
}
