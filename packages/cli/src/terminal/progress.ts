/**
 * Progress of long work, on stderr so that stdout holds only results: one line that is redrawn on a
 * terminal, a plain line per quarter elsewhere (a log should not hold a thousand bars). Work
 * shorter than `quietMs` prints nothing.
 */

import type { Observed } from '../api/options.ts';

export interface Drawing {
  /** `done` of `total`, in any unit. */
  update(done: number, total: number): void;
  /** Ends the line; nothing is drawn afterwards. */
  finish(): void;
}

/** The stream that progress is drawn on. */
export interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const quietMs = 300;
const redrawMs = 80;
const barCells = 24;

/** The options of the API that draw its progress and its notes on stderr. */
export function observer(): Required<Pick<Observed, 'onProgress' | 'onNote'>> & { finish(): void } {
  let step = '';
  let drawing: Drawing | null = null;
  const finish = () => drawing?.finish();
  return {
    onProgress({ step: next, done, total }) {
      if (next !== step) {
        finish();
        step = next;
        drawing = progress(step);
      }
      drawing?.update(done, total);
      if (done < total) return;
      finish();
      step = '';
    },
    onNote(note) {
      process.stderr.write(`${note}\n`);
    },
    finish,
  };
}

export function progress(label: string, stream: Screen = process.stderr): Drawing {
  return stream.isTTY ? bar(label, stream) : lines(label, stream);
}

function bar(label: string, stream: Screen): Drawing {
  const started = performance.now();
  let drawn = started + quietMs - redrawMs;
  let shown = false;
  return {
    update(done, total) {
      const now = performance.now();
      if (now - drawn < redrawMs) return;
      drawn = now;
      shown = true;
      const share = total > 0 ? Math.min(1, done / total) : 1;
      const full = Math.round(share * barCells);
      const cells = '█'.repeat(full) + '░'.repeat(barCells - full);
      const left = share > 0.02 && share < 1 ? `  ${Math.ceil(((now - started) * (1 / share - 1)) / 1000)} s left` : '';
      stream.write(`\r\x1b[2K${label} ${cells} ${Math.floor(share * 100)} %${left}`);
    },
    finish() {
      if (shown) stream.write('\r\x1b[2K');
    },
  };
}

function lines(label: string, stream: Screen): Drawing {
  const started = performance.now();
  let quarter = 0;
  return {
    update(done, total) {
      const reached = total > 0 ? Math.floor((4 * Math.min(done, total)) / total) : 4;
      if (reached <= quarter || performance.now() - started < quietMs) return;
      quarter = reached;
      stream.write(`${label} ${reached * 25} %\n`);
    },
    finish() {},
  };
}
