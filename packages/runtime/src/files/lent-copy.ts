/** Copies that are needed for a moment only, all in the same memory: one made for each would stay until the collector comes by. */

/** Makes copies, each good until the next. */
export function lender(): (bytes: Uint8Array) => Uint8Array<ArrayBuffer> {
  let lent = new Uint8Array(0);
  return (bytes) => {
    if (lent.length < bytes.length) lent = new Uint8Array(bytes.length);
    const copy = lent.subarray(0, bytes.length);
    copy.set(bytes);
    return copy;
  };
}
