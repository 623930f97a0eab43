/**
 * Parts of a whole, to scale. Parts too thin to see are drawn again below, all at one larger scale,
 * repeatedly if necessary: memory has regions of 16 bytes beside regions of 100 MiB.
 */
import { type Html, html, nothing } from './html.ts';
import { bytes } from './units.ts';

export interface Part {
  readonly name: string;
  readonly bytes: number;
}

/** A part below this share of its bar is drawn again. */
const THIN = 1 / 50;

/** Bars of the parts in their order. A part has the same colour everywhere (`swatch`). */
export function scaleBar(title: string, parts: readonly Part[]): Html {
  const levels = magnified(parts);
  const whole = total(parts);
  return html`<div class="scale">${levels.map(
    (level, i) => html`<div role="img" aria-label="${title}${i === 0 ? '' : ', enlarged'}: ${spoken(level)}">
${i === 0 ? nothing : html`<p class="zoom" aria-hidden="true">the thin parts, ${times(whole / total(level))} larger</p>`}
<div class="bar" aria-hidden="true">${level.map(
      (part) =>
        html`<span style="flex-grow:${part.bytes};--hue:${hue(parts.indexOf(part), parts.length)}"><b>${part.name}</b><small>${bytes(part.bytes)}</small></span>`,
    )}</div></div>`,
  )}</div>`;
}

/** The colour of part `index`, for its row in a table. */
export function swatch(index: number, count: number): Html {
  return html`<i class="swatch" style="--hue:${hue(index, count)}"></i>`;
}

function magnified(parts: readonly Part[]): readonly (readonly Part[])[] {
  const levels = [parts];
  for (let level = parts; ; ) {
    const whole = total(level);
    const thin = level.filter((part) => part.bytes < whole * THIN);
    // A single part has no scale.
    if (thin.filter((part) => part.bytes > 0).length < 2) return levels;
    levels.push(thin);
    level = thin;
  }
}

function total(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.bytes, 0);
}

function spoken(parts: readonly Part[]): string {
  return parts.map((part) => `${part.name} ${bytes(part.bytes)}`).join(', ');
}

function times(factor: number): string {
  return `${factor < 10 ? factor.toFixed(1) : Math.round(factor).toLocaleString('en-US')} times`;
}

function hue(index: number, count: number): number {
  return Math.round(235 + (index * 330) / count) % 360;
}
