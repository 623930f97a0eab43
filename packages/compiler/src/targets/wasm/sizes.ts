/**
 * Reads the size of each function from an assembled module, for the sizes of kernels in reports.
 */

/** The section of function bodies, numbered as in the binary format. */
const CODE = 10;

/** Bytes of each function body, in the order of the module's text. */
export function functionBytes(wasm: Uint8Array): readonly number[] {
  // magic and version
  let at = 8;
  const unsigned = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < wasm.length) {
    const section = wasm[at++];
    const length = unsigned();
    const end = at + length;
    if (section === CODE) {
      return Array.from({ length: unsigned() }, () => {
        const bytes = unsigned();
        at += bytes;
        return bytes;
      });
    }
    at = end;
  }
  return [];
}
