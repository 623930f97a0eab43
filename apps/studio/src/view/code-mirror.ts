/**
 * CodeMirror with the studio's configuration: TypeScript highlighting, completions and types from
 * the checker, and marks at faults.
 */
import {
  autocompletion,
  type CompletionSource,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab, isolateHistory } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { classHighlighter } from '@lezer/highlight';
import type { Problem } from '../problems.ts';
import { edit, typed, types } from '../version.ts';

/** Opens a text with an empty history. */
export function openText(view: EditorView, text: string): void {
  view.setState(EditorState.create({ doc: text, extensions }));
  view.scrollDOM.scrollTo(0, 0);
}

/**
 * Replaces the text by changing only the part that differs, so that the cursor and the scrolled
 * place stay. It is one step of the history.
 */
export function reviseText(view: EditorView, text: string): void {
  const old = view.state.doc.toString();
  const most = Math.min(old.length, text.length);
  let from = 0;
  while (from < most && old[from] === text[from]) from++;
  let tail = 0;
  while (tail < most - from && old.at(-1 - tail) === text.at(-1 - tail)) tail++;
  const changes = { from, to: old.length - tail, insert: text.slice(from, text.length - tail) };
  if (old !== text) view.dispatch({ changes, annotations: isolateHistory.of('full') });
}

/** Marks the problems that have a place, in place of all earlier marks. */
export function mark(view: EditorView, problems: readonly Problem[]): void {
  const { length } = view.state.doc;
  const diagnostics = problems
    .filter(({ line }) => line !== null)
    .map(({ from, to, message }): Diagnostic => {
      const start = Math.min(from, length);
      return { from: start, to: Math.min(Math.max(to, start), length), severity: 'error', message };
    });
  view.dispatch(setDiagnostics(view.state, diagnostics));
}

/** Moves the cursor there and scrolls to it. */
export function goTo(view: EditorView, at: number): void {
  view.dispatch({ selection: { anchor: Math.min(at, view.state.doc.length) }, scrollIntoView: true });
  view.focus();
}

const complete: CompletionSource = async (context) => {
  const word = context.matchBefore(/[\w$]*/);
  const afterDot = context.matchBefore(/\./);
  if (!word || (word.from === word.to && !afterDot && !context.explicit)) return null;
  const found = await types.complete(typed(context.state.doc.toString()), context.pos);
  const options = found.map(({ label, kind }) => ({ label, type: kind }));
  return { from: word.from, options, validFor: /^[\w$]*$/ };
};

const hover = hoverTooltip(async (view, at) => {
  const found = await types.hover(typed(view.state.doc.toString()), at);
  if (!found) return null;
  return {
    pos: found.from,
    end: found.to,
    create: () => {
      const dom = document.createElement('div');
      dom.className = 'hover';
      const type = dom.appendChild(document.createElement('code'));
      type.textContent = found.type;
      if (found.documentation) dom.appendChild(document.createElement('p')).textContent = found.documentation;
      return { dom };
    },
  };
});

const extensions: Extension = [
  lineNumbers(),
  lintGutter(),
  history(),
  EditorView.lineWrapping,
  drawSelection(),
  indentOnInput(),
  indentUnit.of('  '),
  bracketMatching(),
  closeBrackets(),
  highlightActiveLine(),
  highlightActiveLineGutter(),
  autocompletion({ override: [complete] }),
  hover,
  javascript({ typescript: true }),
  syntaxHighlighting(classHighlighter),
  EditorView.contentAttributes.of({ 'aria-label': 'The model, in TypeScript', tabindex: '0' }),
  // Escape and then Tab leaves the editor, as everywhere in CodeMirror.
  keymap.of([
    ...closeBracketsKeymap,
    ...completionKeymap,
    ...lintKeymap,
    ...historyKeymap,
    ...defaultKeymap,
    indentWithTab,
  ]),
  EditorView.updateListener.of((update) => {
    if (update.docChanged) edit(update.state.doc.toString());
  }),
];
