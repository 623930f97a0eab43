/**
 * A sequence as bytes, for an app to store: a line of JSON, the token ids as u32, and the state
 * region as a driver has it. Another package, or another version of this one, would compute with
 * wrong keys and values; the hash of the manifest, which contains those of weights and kernels,
 * prevents that. The hash of the content prevents computing with damaged bytes.
 */
import type { SavedState } from '../driver/driver.ts';
import { sha256 } from '../files/sha256.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { hashOf } from '../manifest/manifest-file.ts';
import { checkCount, checkedId } from './token-ids.ts';

const FORMAT = 'lamella-session/1';
/** Bytes of the first line: padded with spaces, so that ids start at a multiple of 4. */
const LINE = 512;

interface Head {
  readonly format: typeof FORMAT;
  readonly manifest: string;
  readonly tokens: number;
  /** Null if there is no state, for a sequence without tokens. */
  readonly layout: string | null;
  readonly sha256: string;
}

/** The bytes of a sequence of `tokens`, all of which `state` has. */
export async function packed(
  manifest: Manifest,
  tokens: readonly number[],
  state: SavedState | null,
): Promise<Uint8Array<ArrayBuffer>> {
  const all = new Uint8Array(LINE + tokens.length * 4 + (state?.bytes.length ?? 0));
  const content = all.subarray(LINE);
  content.set(new Uint8Array(Uint32Array.from(tokens).buffer));
  if (state) content.set(state.bytes, tokens.length * 4);
  const head: Head = {
    format: FORMAT,
    manifest: await hashOf(manifest),
    tokens: tokens.length,
    layout: state?.layout ?? null,
    sha256: await sha256(content),
  };
  all.set(
    new TextEncoder().encode(
      JSON.stringify(head)
        .padEnd(LINE - 1)
        .concat('\n'),
    ),
  );
  return all;
}

/** Reads what `packed` wrote. L448 for anything else. */
export async function unpacked(
  manifest: Manifest,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<{ tokens: number[]; state: SavedState | null }> {
  const refuse = (reason: string) => new LamellaError('L448', { reason });
  let head: Partial<Head>;
  try {
    head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, LINE)));
  } catch {
    throw refuse('they do not begin with a saved session');
  }
  const { format, manifest: hash, tokens: count, layout, sha256: content } = Object(head) as Partial<Head>;
  if (format !== FORMAT) throw refuse('they do not begin with a saved session');
  if (hash !== (await hashOf(manifest))) throw refuse('they were saved by another package, or another version of it');
  const rest = bytes.slice(LINE);
  if (content !== (await sha256(rest))) throw refuse('they are damaged: their SHA-256 is another one');
  if (!count || !layout) return { tokens: [], state: null };
  const tokens = [...new Uint32Array(rest.slice(0, count * 4).buffer)];
  for (const id of tokens) checkedId(id, manifest.vocab);
  checkCount(tokens.length, manifest.context);
  return { tokens, state: { layout, bytes: rest.slice(tokens.length * 4) } };
}
