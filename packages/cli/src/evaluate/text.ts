/**
 * Perplexity of a text, and how far one model's distribution is from another's. A text longer than
 * the context is cut into windows that overlap by half, so that every token is predicted once, and
 * all but the first window's from at least half a context (as in Hugging Face's guide "Perplexity of
 * fixed-length models").
 */
import { readFile } from 'node:fs/promises';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Model } from '@lamella/runtime/api';
import { unreadable } from '../files.ts';
import { logSum, predictions } from './log-probabilities.ts';

/** A text without the byte order mark of its file, which a tokenizer would take for a character. */
function withoutMark(text: string): string {
  return text.replace(/^\ufeff/, '');
}

/** The text of a file, without its byte order mark. L302 if it cannot be read or is not UTF-8. */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    return withoutMark(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new LamellaError('L302', { path, reason: 'it is not UTF-8', remedy: 'the file saved as UTF-8' });
  }
}

/** A part of a text: token ids, the first of which only give context. */
interface Window {
  readonly tokens: readonly number[];
  /** Index of the first token that is predicted in this window. */
  readonly from: number;
}

/** The windows of a text of `tokens`, which begin with the tokenizer's beginning token, if any. */
export function windowsOf(tokens: readonly number[], context: number): Window[] {
  const most = Math.max(2, context);
  const stride = Math.max(1, Math.floor(most / 2));
  const windows: Window[] = [];
  for (let start = 0, predicted = 1; predicted < tokens.length; start += stride) {
    const end = Math.min(tokens.length, start + most);
    windows.push({ tokens: tokens.slice(start, end), from: predicted - start });
    predicted = end;
  }
  return windows;
}

export interface TextScore {
  /** Number of predicted tokens. */
  readonly tokens: number;
  /** Mean of -log p(token | tokens before it), in nats. */
  readonly nll: number;
  /** Mean of KL(reference || model) over the predicted tokens, in nats. */
  readonly kl?: number;
  /** Share of the predicted tokens where both have the same most probable token. */
  readonly topAgreement?: number;
}

/** Scores `tokens`; `onToken` is called with the number of tokens predicted so far. */
export async function scoreText(
  model: Model,
  reference: Model | null,
  tokens: readonly number[],
  onToken: (done: number) => void,
): Promise<TextScore> {
  const context = Math.min(model.manifest.context, reference?.manifest.context ?? Number.POSITIVE_INFINITY);
  let count = 0;
  let nll = 0;
  let kl = 0;
  let agreed = 0;
  for (const { tokens: ids, from } of windowsOf(tokens, context)) {
    const wanted = new Map<number, Float32Array>();
    // A piece of the window at a time, so that the reference's logits of one piece are in memory.
    for (let start = from; start < ids.length; start += PIECE) {
      const piece = ids.slice(0, start + PIECE);
      wanted.clear();
      if (reference) await predictions(reference, piece, start, (i, logits) => wanted.set(i, logits));
      await predictions(model, piece, start, (i, logits) => {
        const sum = logSum(logits);
        nll += sum - logits[piece[i]!]!;
        const other = wanted.get(i);
        if (other) {
          kl += divergence(other, logits, sum);
          agreed += Number(best(other) === best(logits));
        }
        onToken(++count);
      });
    }
  }
  return {
    tokens: count,
    nll: nll / count,
    ...(reference && { kl: kl / count, topAgreement: agreed / count }),
  };
}

const PIECE = 64;

/** KL(p || q) in nats. `qSum` is `logSum(q)`. */
function divergence(p: Float32Array, q: Float32Array, qSum: number): number {
  const pSum = logSum(p);
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const logP = p[i]! - pSum;
    sum += Math.exp(logP) * (logP - (q[i]! - qSum));
  }
  return sum;
}

function best(logits: Float32Array): number {
  let at = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[at]!) at = i;
  return at;
}
