/** A request and its answer: a card if the answer is a function call, text otherwise. */
import type { Signal } from '@preact/signals';
import { readCall } from './call.ts';
import { CallCard } from './call-card.tsx';
import type { Turn } from './conversation.ts';
import { Failure } from './failure.tsx';
import { deviceName, LoadingText } from './loading.tsx';
import { milliseconds, rate } from './units.ts';

export function TurnView({ turn }: { readonly turn: Signal<Turn> }) {
  const now = turn.value;
  const { request, state, error } = now;
  return (
    <article aria-busy={state === 'waiting' || state === 'writing'} data-state={state}>
      <p class="request">{request}</p>
      {error ? <Failure title="No answer" error={error} /> : <Answer turn={now} />}
      <Footer turn={now} />
    </article>
  );
}

function Answer({ turn: { answer, state } }: { readonly turn: Turn }) {
  const writing = state !== 'done';
  if (state === 'waiting') return <LoadingText />;
  const call = answer === '' && !writing ? null : readCall(answer);
  if (call) return <CallCard call={call} text={answer} writing={writing} />;
  return <p class={writing ? 'text caret' : 'text'}>{answer}</p>;
}

function Footer({ turn: { stats, running, state, finishReason } }: { readonly turn: Turn }) {
  if (finishReason === 'abort' && !stats) return <footer>Stopped.</footer>;
  if (!stats || !running || state === 'failed') return null;
  const speed = rate(stats.decodeTokensPerSecond);
  const end = { abort: 'Stopped', length: 'Stopped at the token limit', context: 'The context is full' };
  return (
    <footer>
      {finishReason !== null && finishReason in end && <span>{end[finishReason as keyof typeof end]}</span>}
      <span>{stats.generatedTokens} tokens</span>
      <span>{speed} tokens/s</span>
      <span>first in {milliseconds(stats.timeToFirstTokenMs)}</span>
      <span>{deviceName[running.device]}</span>
    </footer>
  );
}
