/**
 * The code: CodeMirror, and below it the problems of the version in it. A click on a problem goes
 * to its place.
 */
import { EditorView } from '@codemirror/view';
import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { isLive } from '../live/live.ts';
import type { Problem } from '../problems.ts';
import { opened, problems, replacement } from '../version.ts';
import { goTo, mark, openText, reviseText } from './code-mirror.ts';
import { HeldNote } from './document-buttons.tsx';
import { LiveNote } from './live-bar.tsx';
import { isShown, isWide } from './tabs.tsx';

export function CodePanel() {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  // This effect must be first: it creates the editor that the other effects use.
  useEffect(() => {
    const made = new EditorView({ parent: parent.current! });
    view.current = made;
    return () => made.destroy();
  }, []);
  useSignalEffect(() => openText(view.current!, opened.value.source));
  useSignalEffect(() => {
    for (const text of replacement.value) reviseText(view.current!, text);
  });
  useSignalEffect(() => mark(view.current!, problems.value));
  return (
    <section id="panel-code" role={isWide.value ? undefined : 'tabpanel'} aria-label="Code" hidden={!isShown('code')}>
      {isLive && <LiveNote />}
      <HeldNote />
      <div id="editor" ref={parent} />
      {problems.value.length > 0 && (
        <section id="problems" aria-label="Problems">
          {problems.value.map((problem, i) => (
            <ProblemItem key={i} problem={problem} onChoose={() => goTo(view.current!, problem.from)} />
          ))}
        </section>
      )}
    </section>
  );
}

interface ProblemItemProps {
  readonly problem: Problem;
  readonly onChoose: () => void;
}

function ProblemItem({ problem: { line, message }, onChoose }: ProblemItemProps) {
  const [, code, sentence = message] = /^(L\d+) ([\s\S]*)$/.exec(message) ?? [];
  const [what, remedy] = sentence.split(/\. Try (?=[\s\S]*$)/);
  const parts = (
    <>
      {line !== null && <span class="where">line {line}</span>}
      {code && <span class="code">{code}</span>}
      <span class="what">{what}</span>
      {remedy && <span class="remedy">Try {remedy}</span>}
    </>
  );
  if (line === null) return <p class="problem">{parts}</p>;
  return (
    <button type="button" class="problem" onClick={onChoose}>
      {parts}
    </button>
  );
}
