/**
 * A sequence as bytes, for an app to store: a line of JSON, the token ids as u32, and of a driver's
 * state the rows that the sequence uses (`state-layout.ts`). Another package, or another version of
 * this one, would compute with wrong keys and values; the hash of the manifest, which contains
 * those of weights and kernels, prevents that. A hash of the line's other values and of the content
 * prevents computing with damaged bytes.
 */
import type { SavedState } from '../driver/driver.ts';
import { inUse } from '../driver/state-layout.ts';
import { sha256 } from '../files/sha256.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { hashOf } from '../manifest/manifest-file.ts';

const FORMAT = 'lamella-session/3';
/** Bytes of the first line: padded with spaces, so that ids start at a multiple of 4. */
const LINE = 512;

interface Head {
  readonly format: typeof FORMAT;
  readonly manifest: string;
  readonly tokens: number;
  readonly farthest: number;
  /** Null if there is no state, for a sequence without tokens. */
  readonly layout: string | null;
  /** Of the line's other values, then the SHA-256 of the ids and the state. */
  readonly sha256: string;
}

const lineOf = (head: Head) =>
  JSON.stringify(head)
    .padEnd(LINE - 1)
    .concat('\n');

/** The hash of a line's other values, as `packed` writes them, and the content. */
async function hashed(values: Omit<Head, 'sha256'>, content: Uint8Array<ArrayBuffer>): Promise<string> {
  return sha256(new TextEncoder().encode(JSON.stringify(values) + (await sha256(content))));
}

/** A sequence outside of a model. */
export interface PackedSequence {
  /** At most one more than the context: its last token has no keys and values. */
  readonly tokens: readonly number[];
  /** The largest position that the state has reached. */
  readonly farthest: number;
  readonly state: SavedState | null;
}

/** The bytes of a sequence. */
export async function packed(
  manifest: Manifest,
  { tokens, farthest, state }: PackedSequence,
): Promise<Uint8Array<ArrayBuffer>> {
  const used = state && inUse(manifest, state.layout, Math.min(tokens.length, manifest.context));
  const all = new Uint8Array(LINE + tokens.length * 4 + (used?.bytes ?? 0));
  const content = all.subarray(LINE);
  content.set(new Uint8Array(Uint32Array.from(tokens).buffer));
  let at = tokens.length * 4;
  for (const { from, bytes } of used?.runs ?? []) {
    content.set(state!.bytes.subarray(from, from + bytes), at);
    at += bytes;
  }
  const values = {
    format: FORMAT,
    manifest: await hashOf(manifest),
    tokens: tokens.length,
    farthest,
    layout: state?.layout ?? null,
  } as const;
  const head: Head = { ...values, sha256: await hashed(values, content) };
  all.set(new TextEncoder().encode(lineOf(head)));
  return all;
}

/** Reads what `packed` wrote. L448 for anything else. */
export async function unpacked(manifest: Manifest, bytes: Uint8Array<ArrayBuffer>): Promise<PackedSequence> {
  const refuse = (reason: string) => new LamellaError('L448', { reason });
  const line = new TextDecoder().decode(bytes.subarray(0, LINE));
  if (!line.startsWith(`{"format":"${FORMAT}"`)) throw refuse('they do not begin with a saved session');
  const damaged = 'they are damaged';
  let head: Head;
  try {
    head = JSON.parse(line);
  } catch {
    throw refuse(damaged);
  }
  const { sha256: saved, ...values } = head;
  const rest = bytes.slice(LINE);
  // Spaces of the line count too: it must be the line that `packed` writes.
  const isWhole = line === lineOf(head) && saved === (await hashed(values, rest));
  if (!isWhole) throw refuse(damaged);
  const { manifest: hash, tokens: count, farthest, layout } = head as Record<keyof Head, unknown>;
  if (hash !== (await hashOf(manifest))) throw refuse('they were saved by another package, or another version of it');
  const { context, vocab } = manifest;
  const isCount = (value: unknown, most: number): value is number =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most;
  if (!isCount(count, context + 1) || !isCount(farthest, context) || rest.length < count * 4) throw refuse(damaged);
  if (count === 0) return { tokens: [], farthest: 0, state: null };
  if (typeof layout !== 'string') throw refuse(damaged);
  const tokens = [...new Uint32Array(rest.slice(0, count * 4).buffer)];
  if (tokens.some((id) => id >= vocab)) throw refuse(damaged);
  const used = inUse(manifest, layout, Math.min(count, context));
  if (!used || rest.length !== count * 4 + used.bytes) throw refuse(damaged);
  const state = new Uint8Array(used.stateBytes);
  let at = count * 4;
  for (const { from, bytes } of used.runs) {
    state.set(rest.subarray(at, at + bytes), from);
    at += bytes;
  }
  return { tokens, farthest, state: { layout, bytes: state } };
}
