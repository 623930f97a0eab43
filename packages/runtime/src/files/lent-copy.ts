/**
 * Short-lived copies that share one buffer. A new buffer for each copy would stay in memory until
 * garbage collection.
 */

/** Makes copies; each is valid until the next. */
export function lender(): (bytes: Uint8Array) => Uint8Array<ArrayBuffer> {
  let lent = new Uint8Array(0);
  return (bytes) => {
    if (lent.length < bytes.length) lent = new Uint8Array(bytes.length);
    const copy = lent.subarray(0, bytes.length);
    copy.set(bytes);
    return copy;
  };
}
