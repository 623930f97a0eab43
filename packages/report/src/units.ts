/** Numbers for readers: grouped digits, binary multiples of bytes, rates. */

/** 124635456 -> `124,635,456`. */
export function count(n: number): string {
  return n.toLocaleString('en-US');
}

/** 4194304 -> `4.00 MiB`; three significant digits. */
export function bytes(n: number): string {
  let value = n;
  for (const unit of ['B', 'KiB', 'MiB']) {
    if (value < 1024) return `${unit === 'B' ? value : value.toPrecision(value < 1000 ? 3 : 4)} ${unit}`;
    value /= 1024;
  }
  return `${value.toPrecision(value < 1000 ? 3 : 4)} GiB`;
}

/** Tokens per second with one digit after the point. */
export function rate(n: number): string {
  return `${n.toFixed(1)} tokens/s`;
}
