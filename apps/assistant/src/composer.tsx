/**
 * The input for a request. Enter sends it; while an answer is being written, the same button stops
 * it.
 */
import { useSignal } from '@preact/signals';
import { ask, busy, stop, turns } from './conversation.ts';
import { examples } from './functions.ts';
import { FunctionIcon, Send, Stop } from './icons.tsx';
import { isOwn } from './model.ts';

export function Composer() {
  const text = useSignal('');
  const send = () => {
    const request = text.value.trim();
    if (request === '' || busy.value) return;
    text.value = '';
    ask(request);
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {turns.value.length > 0 && isOwn.value && <Chips />}
      <div class="field">
        {/* The box repeats the text, so that it grows with it. */}
        <div class="grows" data-text={text.value}>
          <textarea
            aria-label="Your request"
            placeholder={isOwn.value ? 'What shall I do?' : 'Write a beginning'}
            rows={1}
            enterkeyhint="send"
            value={text.value}
            onInput={({ currentTarget }) => (text.value = currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
              event.preventDefault();
              send();
            }}
          />
        </div>
        {busy.value ? (
          <button type="button" class="send" onClick={stop} aria-label="Stop">
            <Stop />
          </button>
        ) : (
          <button type="submit" class="send" disabled={text.value.trim() === ''} aria-label="Send">
            <Send />
          </button>
        )}
      </div>
    </form>
  );
}

function Chips() {
  return (
    <ul class="chips" aria-label="Examples">
      {examples.map(({ of, request }) => (
        <li key={request}>
          <button type="button" data-function={of} disabled={busy.value} onClick={() => ask(request)}>
            <FunctionIcon name={of} />
            {request}
          </button>
        </li>
      ))}
    </ul>
  );
}
