/** A finished run as a table: what was measured beside what was planned. */
import { type Html, html } from '@lamella/report/html';
import { table } from '@lamella/report/table';
import { bytes, rate } from '@lamella/report/units';
import type { Outcome } from './protocol.ts';

export function outcomeTable(outcome: Outcome): Html {
  const { device, threads, why, plannedBytes, peakBytes, slowMemoryBytesPerToken, streamBytesPerSecond } = outcome;
  const { promptTokens, generatedTokens, prefillTokensPerSecond, decodeTokensPerSecond } = outcome;
  const perSecond = slowMemoryBytesPerToken * decodeTokensPerSecond;
  const fastest = streamBytesPerSecond / slowMemoryBytesPerToken;
  const share = `${Math.round((100 * perSecond) / streamBytesPerSecond)} %`;
  const rows = [
    ['decoding', rate(decodeTokensPerSecond), `${rate(fastest)} at most`],
    ['weights from slow memory', `${bytes(perSecond)}/s`, `${bytes(slowMemoryBytesPerToken)} a token`],
    ['of a plain read', share, `${bytes(streamBytesPerSecond)}/s, one thread`],
    ['memory', bytes(peakBytes), bytes(plannedBytes)],
    ['prompt', rate(prefillTokensPerSecond), ''],
    ['first token', `${outcome.timeToFirstTokenMs.toFixed(0)} ms`, ''],
    ['loading', `${outcome.loadMs.toFixed(0)} ms`, ''],
  ];
  return html`<h2 class="name">${outcome.name}</h2>
<p class="lead">${promptTokens} tokens of prompt, ${generatedTokens} generated on ${device === 'wasm' ? 'WASM' : 'WebGPU'}, ${threads} thread${threads > 1 ? 's' : ''}: ${why}.</p>
${table('Measured beside planned', [['what'], ['measured'], ['planned']], [{ title: '', rows }])}
<p class="note">The plan counts weights that a device with 8 MiB of fast memory must read again for every token. What decodes faster than a plain
read has more fast memory than that, or several threads.</p>`;
}
