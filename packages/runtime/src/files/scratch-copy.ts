/**
 * Short-lived copies that share one buffer. A new buffer for each copy would stay in memory until
 * garbage collection.
 */

/** Makes copies; each is valid until the next. */
export function scratchCopier(): (bytes: Uint8Array) => Uint8Array<ArrayBuffer> {
  let scratch = new Uint8Array(0);
  return (bytes) => {
    if (scratch.length < bytes.length) scratch = new Uint8Array(bytes.length);
    const copy = scratch.subarray(0, bytes.length);
    copy.set(bytes);
    return copy;
  };
}
