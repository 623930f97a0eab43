/** A plain code editor: CodeMirror with TypeScript's colours, completions and types from the checker, and faults where they are. */
import {
  autocompletion,
  type CompletionSource,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
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
import type { TypesLink } from '../types/link.ts';

/** A fault in the file; positions are UTF-16 units from its start. */
export interface Marked {
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export interface Editor {
  readonly text: string;
  /** Puts another file in, with a history of its own. */
  open(text: string): void;
  mark(faults: readonly Marked[]): void;
  /** Puts the cursor there and shows it. */
  goTo(at: number): void;
  /** The position of a line and column that count from 1; within the file. */
  position(line: number, column: number): number;
  line(at: number): number;
}

/** `onChange` is called after each edit with the new text. */
export function openEditor(parent: HTMLElement, types: TypesLink, onChange: (text: string) => void): Editor {
  const complete: CompletionSource = async (context) => {
    const word = context.matchBefore(/[\w$]*/);
    const afterDot = context.matchBefore(/\./);
    if (!word || (word.from === word.to && !afterDot && !context.explicit)) return null;
    const found = await types.complete(context.state.doc.toString(), context.pos);
    const options = found.map(({ label, kind }) => ({ label, type: kind }));
    return { from: word.from, options, validFor: /^[\w$]*$/ };
  };
  const hover = hoverTooltip(async (view, at) => {
    const found = await types.hover(view.state.doc.toString(), at);
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
  const extensions = [
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
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
  ];
  const stateOf = (doc: string) => EditorState.create({ doc, extensions });
  const view = new EditorView({ parent, state: stateOf('') });
  return {
    get text() {
      return view.state.doc.toString();
    },
    open(text) {
      view.setState(stateOf(text));
      view.scrollDOM.scrollTo(0, 0);
    },
    mark(faults) {
      const { length } = view.state.doc;
      const diagnostics = faults.map(({ from, to, message }): Diagnostic => {
        const start = Math.min(from, length);
        return { from: start, to: Math.min(Math.max(to, start), length), severity: 'error', message };
      });
      view.dispatch(setDiagnostics(view.state, diagnostics));
    },
    goTo(at) {
      view.dispatch({ selection: { anchor: Math.min(at, view.state.doc.length) }, scrollIntoView: true });
      view.focus();
    },
    position(line, column) {
      const { doc } = view.state;
      const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
      return Math.min(at.from + column - 1, at.to);
    },
    line: (at) => view.state.doc.lineAt(Math.min(at, view.state.doc.length)).number,
  };
}
