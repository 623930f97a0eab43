/**
 * The style of the pictures: one text column that fits 360 px, light or dark by the reader's
 * preference. Each colour is a hue (`--hue`, set on the mark) at a lightness that keeps text
 * readable in both.
 */
export const style = `
:root {
  --paper: #fdfcfa; --ink: #1c1b19; --soft: #5c5954; --line: #dedad2; --card: #f5f3ee; --link: #0b57a4;
  --mark: 0.62 0.15; --band: 0.87 0.075; --edge: 0.66 0.11; --plain: #8a857c; --kept: #dcd7cd;
}
.report {
  box-sizing: border-box; max-width: 68rem; margin: 0 auto; padding: 1.25rem 1rem 3rem;
  color: var(--ink); background: var(--paper); font: 1rem/1.5 system-ui, sans-serif;
}
body { margin: 0; background: var(--paper); }
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16171a; --ink: #ebe9e4; --soft: #aeaaa2; --line: #3a3b40; --card: #1f2125; --link: #8fc1ff;
    --mark: 0.7 0.13; --band: 0.38 0.075; --edge: 0.58 0.1; --plain: #8d8a84; --kept: #3d3f45;
  }
}
.report *, .report *::before { box-sizing: inherit; }
.report h1 { font-size: clamp(1.6rem, 6vw, 2.4rem); line-height: 1.15; margin: 0; letter-spacing: -0.02em; overflow-wrap: anywhere; }
.report h2 { font-size: 1.35rem; margin: 0; letter-spacing: -0.01em; }
.report h3 { font-size: 1rem; margin: 1.5rem 0 0.25rem; }
.report h4 { font-size: 0.85rem; font-weight: 600; color: var(--soft); margin: 1rem 0 0.25rem; }
.report p { margin: 0.25rem 0; }
.report .language { font-size: 0.85rem; font-weight: 600; color: var(--soft); margin-top: 0.5rem; }
.report .lead, .report .note, .report figcaption, .report footer { color: var(--soft); }
.report .note, .report figcaption, .report footer { font-size: 0.875rem; }
.report a { color: var(--link); }
.report :focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.report section { margin-top: 3rem; scroll-margin-top: 1rem; }
.report figure { margin: 1rem 0; }
.report figcaption { margin-top: 0.5rem; }
.report footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 0.75rem; }
.report nav ul, .report .legend, .report .orders { list-style: none; padding: 0; margin: 0; }
.report nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.1rem; }
.report nav a { display: inline-block; padding: 0.3rem 0; }
.report .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); margin: 1.25rem 0; background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; overflow: hidden; }
.report .facts div { box-shadow: 1px 1px var(--line); padding: 0.6rem 0.8rem; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.report .facts dt { font-size: 0.8rem; color: var(--soft); }
.report .facts dd { margin: 0; font-size: 1.25rem; font-weight: 650; font-variant-numeric: tabular-nums; }

.report svg { display: block; width: 100%; height: auto; }
.report rect.set { fill: oklch(var(--mark) var(--hue)); }
.report rect.plain { fill: var(--plain); }
.report rect.kept { fill: var(--kept); }
.report rect.slot { fill: none; stroke: var(--soft); stroke-width: 1.25; vector-effect: non-scaling-stroke; }
.report path { fill: none; stroke-width: 1.75; vector-effect: non-scaling-stroke; }
.report path.set { stroke: oklch(var(--mark) var(--hue)); }
.report path.common { stroke: var(--plain); stroke-dasharray: 4 3; }
.report .strip { height: 1.6rem; border-radius: 0.25rem; }
.report .orders h3 { display: inline-block; margin: 0.9rem 0.6rem 0 0; }
.report .orders p { display: inline-block; margin: 0; }
.report .orders .strip { margin-top: 0.3rem; }
.report .legend { display: flex; flex-wrap: wrap; gap: 0.15rem 1.25rem; margin-top: 0.6rem; font-size: 0.875rem; color: var(--soft); }
.report .legend i { display: inline-block; width: 1.1em; height: 0.75em; border-radius: 0.15em; margin-right: 0.15em; }
.report i.ramp { width: 2.6em; background: linear-gradient(90deg, oklch(var(--mark) 235), oklch(var(--mark) 290), oklch(var(--mark) 345), oklch(var(--mark) 40)); }
.report i.slot.ring { border-radius: 50%; }
.report path.reads { fill: none; stroke: var(--soft); stroke-width: 1.25; stroke-dasharray: 1 2.5; vector-effect: non-scaling-stroke; }
.report i.reads { width: 0.9em; height: 0; border-top: 1.5px dotted var(--soft); vertical-align: middle; }
.report i.slot { width: 0.75em; border: 1px solid var(--soft); }
.report i.plain { background: var(--plain); }
.report i.kept { background: var(--kept); }
.report .legend i.common { height: 0; border-top: 2px dashed var(--plain); border-radius: 0; vertical-align: middle; }

.report .bar { display: flex; height: 3rem; border-radius: 0.35rem; overflow: hidden; background: var(--line); }
.report .bar span { flex: 0 1 0; min-width: 0; overflow: hidden; white-space: nowrap; padding-top: 0.35rem; font-size: 0.75rem; line-height: 1.25; background: oklch(var(--band) var(--hue)); box-shadow: inset 1px 0 oklch(var(--edge) var(--hue)); }
.report .bar b, .report .bar small, .report .arena b, .report .arena small { display: block; font-size: inherit; font-weight: 600; padding-left: 0.35rem; }
.report .bar small, .report .arena small { font-weight: 400; }
.report .scale { margin: 1rem 0; }
.report .zoom { margin: 0.5rem 0 0.2rem; font-size: 0.8rem; color: var(--soft); }
.report .swatch { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 0.2em; background: oklch(var(--band) var(--hue)); border: 1px solid oklch(var(--edge) var(--hue)); }

.report .wide { overflow-x: auto; margin: 1rem 0; }
.report table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; width: 100%; }
.report th, .report td { padding: 0.25rem 0.5rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
.report th:first-child, .report .text { text-align: left; }
.report th:first-child { padding-left: 0; white-space: normal; overflow-wrap: anywhere; min-width: 8rem; }
.report thead th { font-weight: 600; color: var(--soft); font-size: 0.8rem; }
.report tbody th { font-weight: 400; }
.report .group th { font-weight: 600; padding-top: 0.75rem; }
.report tfoot th, .report tfoot td { font-weight: 600; border-bottom: 0; }
.report .meter { display: inline-block; width: 7rem; height: 0.6rem; border-radius: 0.2rem; background: linear-gradient(oklch(var(--mark) 255) 0 0) 0 0 / calc(100% * var(--share)) 100% no-repeat var(--card); }

.report .arena { display: grid; grid-template-columns: minmax(5.5rem, 24%) 1fr; grid-template-rows: repeat(var(--operations), 2.6rem); }
.report .arena .time { grid-column: 1; font-size: 0.7rem; line-height: 1.2; padding: 0.1rem 0.4rem 0 0; border-top: 1px solid var(--line); overflow: hidden; overflow-wrap: anywhere; color: var(--soft); }
.report .arena .bytes { grid-column: 2; grid-row: 1 / -1; position: relative; background: repeating-linear-gradient(var(--line) 0 1px, var(--card) 1px 2.6rem); border-bottom: 1px solid var(--line); }
.report .arena .bytes span { position: absolute; top: calc(2.6rem * var(--first) + 2px); height: calc(2.6rem * var(--times) - 3px); overflow: hidden; font-size: 0.7rem; line-height: 1.2; padding-top: 0.15rem; white-space: nowrap; background: oklch(var(--band) var(--hue)); border-left: 1px solid oklch(var(--edge) var(--hue)); border-radius: 2px; }
.report .arena .time b { padding-left: 0; color: var(--ink); }
.report .arena .bound { position: absolute; top: 0; bottom: 0; border-right: 2px dashed var(--ink); margin-left: -2px; }

.report details { border-bottom: 1px solid var(--line); }
.report summary { cursor: pointer; padding: 0.45rem 0; overflow-wrap: anywhere; }
.report .size { color: var(--soft); font-size: 0.8rem; white-space: nowrap; }
.report pre { margin: 0 0 0.75rem; padding: 0.6rem 0.75rem; max-height: 28rem; overflow: auto; background: var(--card); border: 1px solid var(--line); border-radius: 0.35rem; font: 0.75rem/1.45 ui-monospace, Menlo, Consolas, monospace; }
.report .code { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 1rem; }
@media (min-width: 56rem) { .report .code { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
`;
