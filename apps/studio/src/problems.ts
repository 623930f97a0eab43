/**
 * The faults of a version, from two sources: the type checker, which finds every wrong axis, and
 * the run of the author's code and the compiler, which stops at the first fault but gives a remedy.
 * A fault that both find is listed once.
 */
import { Text } from '@codemirror/state';
import type { Fault } from './compile/protocol.ts';
import type { TypeFault } from './types/protocol.ts';

/** A fault in a text; positions are UTF-16 units from its start. */
export interface Problem {
  readonly from: number;
  readonly to: number;
  readonly message: string;
  /** null for a fault without a place in the text. */
  readonly line: number | null;
}

/** Merges the faults, in the order of the text. */
export function problemsOf(source: string, typeFaults: readonly TypeFault[], fault: Fault | null): readonly Problem[] {
  const text = Text.of(source.split('\n'));
  const lineOf = (at: number) => text.lineAt(Math.min(at, text.length)).number;
  // The checker marks the whole of a wrong expression, the run only its beginning.
  const same = typeFaults.find(({ code, from }) => code === fault?.code && lineOf(from) === fault.line);
  const problems = typeFaults
    .filter((each) => each !== same)
    .map(({ from, to, message }): Problem => ({ from, to, message, line: lineOf(from) }));
  if (fault) {
    const { from, to } = same ?? placeOf(fault, text);
    problems.push({ from, to, message: fault.message, line: fault.line });
  }
  return problems.sort((a, b) => a.from - b.from);
}

/** The word at the fault's line and column, which count from 1. */
function placeOf({ line, column }: Fault, text: Text): Pick<Problem, 'from' | 'to'> {
  if (line === null) return { from: 0, to: 0 };
  const at = text.line(Math.min(Math.max(line, 1), text.lines));
  const from = Math.min(at.from + (column ?? 1) - 1, at.to);
  const word = /^[\w$.]+/.exec(at.text.slice(from - at.from));
  return { from, to: from + (word?.[0].length ?? 1) };
}
