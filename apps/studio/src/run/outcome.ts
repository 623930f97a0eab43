/** Shows a finished run as a table of measured and planned values. */

import { FAST_MEMORY_BYTES } from '@lamella/compiler/residency';
import { type Html, html } from '@lamella/report/html';
import { table } from '@lamella/report/table';
import { bytes, rate } from '@lamella/report/units';
import type { Outcome } from './protocol.ts';

export function outcomeTable(outcome: Outcome): Html {
  const { device, why, plannedBytes, peakBytes, slowMemoryBytesPerToken, streamBytesPerSecond } = outcome;
  const { promptTokens, generatedTokens, prefillTokensPerSecond, decodeTokensPerSecond } = outcome;
  const perSecond = slowMemoryBytesPerToken * decodeTokensPerSecond;
  // Only a model larger than fast memory is limited by slow memory; for any other, no plan predicts
  // the speed.
  const streams = slowMemoryBytesPerToken > FAST_MEMORY_BYTES;
  const fastest = streams ? rate(streamBytesPerSecond / slowMemoryBytesPerToken) : '';
  const share = streams ? `${Math.round((100 * perSecond) / streamBytesPerSecond)} %` : '';
  const rows = [
    ['decoding', rate(decodeTokensPerSecond), fastest],
    ['weights from slow memory', `${bytes(Math.round(perSecond))}/s`, `${bytes(slowMemoryBytesPerToken)} a token`],
    ['of a plain read by one thread', share, `${bytes(Math.round(streamBytesPerSecond))}/s`],
    ['memory', bytes(peakBytes), bytes(plannedBytes)],
    ['prompt', rate(prefillTokensPerSecond), ''],
    ['first token', `${outcome.timeToFirstTokenMs.toFixed(0)} ms`, ''],
    ['loading', `${outcome.loadMs.toFixed(0)} ms`, ''],
  ];
  return html`<h2 class="name">${outcome.name}</h2>
<p class="lead">${promptTokens} tokens of prompt, ${generatedTokens} generated on ${device === 'wasm' ? 'WASM' : 'WebGPU'}: ${why}.</p>
${outcome.text ? html`<p class="generated"><b>${outcome.text.prompt}</b>${outcome.text.generated}</p>` : ''}
${table('Measured beside planned', [['what'], ['measured'], ['planned']], [{ title: '', rows }])}
<p class="note">${
    streams
      ? html`Planned decoding is a plain read of this device, measured just before, over the weights that ${bytes(FAST_MEMORY_BYTES)} of fast memory cannot keep from
one token to the next. Decoding can be faster with more fast memory or with several threads.`
      : html`This model stays in fast memory: its speed depends on arithmetic, which no plan predicts.`
  }</p>`;
}
