/** Converts tokens back to text: the `decoder` of `tokenizer.json`. */
import { bytesOfToken } from './byte-level.ts';
import { allow, flag, type Makers, make, makeAll, partOf, string, whole } from './part.ts';
import { patternOf } from './pattern.ts';
import { metaspaceOf } from './pre-tokenizer.ts';

export type Decoder = (tokens: readonly string[]) => readonly string[];

const encoder = new TextEncoder();
// A U+FEFF at the start is text, not a byte order mark.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const makers: Makers<Decoder> = {
  Sequence: (part, depth) => {
    const all = makeAll(part, 'decoders', makers, depth);
    return (tokens) => all.reduce((before, decode) => decode(before), tokens);
  },
  ByteLevel: (part) => {
    allow(part, 'add_prefix_space', 'trim_offsets', 'use_regex');
    return (tokens) => [
      utf8.decode(Uint8Array.from(tokens.flatMap((token) => bytesOfToken(token) ?? [...encoder.encode(token)]))),
    ];
  },
  ByteFallback: (part) => {
    allow(part);
    return joinBytes;
  },
  Fuse: (part) => {
    allow(part);
    return (tokens) => [tokens.join('')];
  },
  Replace: (part) => {
    allow(part, 'pattern', 'content');
    const [pattern, content] = [patternOf(part), string(part, 'content')];
    return (tokens) => tokens.map((token) => token.replace(pattern, () => content));
  },
  Strip: (part) => {
    allow(part, 'content', 'start', 'stop');
    const [content, start, stop] = [string(part, 'content'), whole(part, 'start', 0), whole(part, 'stop', 0)];
    return (tokens) =>
      tokens.map((token) => {
        let [from, to] = [0, token.length];
        while (from < start && token[from] === content) from++;
        while (token.length - to < stop && to > from && token[to - 1] === content) to--;
        return token.slice(from, to);
      });
  },
  Metaspace: (part) => {
    allow(part, 'replacement', 'prepend_scheme', 'split', 'add_prefix_space', 'str_rep');
    const { replacement, scheme } = metaspaceOf(part);
    return (tokens) =>
      tokens.map((token, i) => token.replaceAll(replacement, i === 0 && scheme !== 'never' ? '' : ' '));
  },
  BPEDecoder: (part) => {
    allow(part, 'suffix');
    const suffix = string(part, 'suffix', '</w>');
    return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
  },
  WordPiece: (part) => {
    allow(part, 'prefix', 'cleanup');
    const prefix = string(part, 'prefix', '##');
    // "cleanup" removes spaces before punctuation; it is accepted but not done.
    flag(part, 'cleanup', true);
    return (tokens) =>
      tokens.map((token, i) => (i === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`));
  },
};

/** The decoder under `decoder`. Without one, tokens are joined with spaces. */
export function decoderOf(value: unknown): (tokens: readonly string[]) => string {
  if (value === null || value === undefined) return (tokens) => tokens.join(' ');
  const decode = make(value, 'decoder', makers);
  return (tokens) => decode(tokens).join('');
}

/** The bytes of a token within a text. */
type TokenBytes = (token: string) => ArrayLike<number>;

/**
 * The bytes that a token adds to a text, if they are the same after any other token; null for a
 * decoder without this property. `Strip` after `Fuse` changes the beginning of a whole text only.
 */
export function tokenBytesOf(value: unknown): TokenBytes | null {
  const part = partOf(value, 'decoder');
  const { type, decoders } = part.json;
  if (type === 'ByteLevel') return (token) => bytesOfToken(token) ?? encoder.encode(token);
  if (type === 'Metaspace') {
    const { replacement } = metaspaceOf(part);
    return (token) => encoder.encode(token.replaceAll(replacement, ' '));
  }
  if (type !== 'Sequence' || !Array.isArray(decoders)) return null;
  const types = decoders.map((one) => (one as { readonly type?: unknown }).type);
  if (!/^(Replace,)*(ByteFallback,)?Fuse(,Strip)*$/.test(types.join())) return null;
  const replaced = makeAll(part, 'decoders', makers, 0).slice(0, types.lastIndexOf('Replace') + 1);
  const byte = types.includes('ByteFallback') ? /^<0x([0-9A-Fa-f]{2})>$/ : /^$/;
  return (token) => {
    const [text = ''] = replaced.reduce<readonly string[]>((texts, decode) => decode(texts), [token]);
    const [, hex] = byte.exec(text) ?? [];
    return hex === undefined ? encoder.encode(text) : [Number.parseInt(hex, 16)];
  };
}

/** Replaces runs of tokens like `<0x41>` by the text of these UTF-8 bytes. */
function joinBytes(tokens: readonly string[]): readonly string[] {
  const texts: string[] = [];
  let bytes: number[] = [];
  const put = (): void => {
    if (bytes.length > 0) texts.push(utf8.decode(Uint8Array.from(bytes)));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
    if (byte) bytes.push(Number.parseInt(byte[1]!, 16));
    else {
      put();
      texts.push(token);
    }
  }
  put();
  return texts;
}
