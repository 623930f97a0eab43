/** Formats numbers for readers. */

/** 712256 -> `0.71 MB`. Decimal multiples, as browsers and phones show downloads and memory. */
export function bytes(n: number): string {
  if (n < 1e5) return `${(n / 1e3).toFixed(n < 1e4 ? 1 : 0)} kB`;
  if (n < 1e9) return `${(n / 1e6).toFixed(n < 1e7 ? 2 : n < 1e8 ? 1 : 0)} MB`;
  return `${(n / 1e9).toFixed(2)} GB`;
}

/** 624256 -> `624,256`. Without `Intl`, whose first use blocks a page for tens of milliseconds. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Tokens per second; a duration too short to measure gives 0. */
export function rate(n: number): string {
  return n === 0 ? '–' : count(Math.round(n));
}

/** Milliseconds, with one decimal below 10. */
export function milliseconds(n: number): string {
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ms`;
}

/**
 * `2026-03-14T15:30:00` -> `Saturday, March 14, 2026 at 3:30 PM`, in the reader's language; null
 * for any other text.
 */
export function moment(text: string): string | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/.test(text)) return null;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return null;
  return date.toLocaleString([], { dateStyle: 'full', timeStyle: 'short' });
}
