/**
 * The alphabet of byte-level BPE (GPT-2): each byte is one printable character. It is the Latin-1
 * character if that is printable, else a character from U+0100 on.
 */
const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
let next = 0x100;
const characters = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
const bytes = new Map(characters.map((character, byte) => [character, byte]));
const encoder = new TextEncoder();

/** The UTF-8 bytes of a text, written in the alphabet. */
export function byteCharacters(text: string): string {
  let written = '';
  for (const byte of encoder.encode(text)) written += characters[byte];
  return written;
}

/** The bytes of a token; null if it is not written in the alphabet. */
export function bytesOfToken(token: string): number[] | null {
  const found: number[] = [];
  for (const character of token) {
    const byte = bytes.get(character);
    if (byte === undefined) return null;
    found.push(byte);
  }
  return found;
}
