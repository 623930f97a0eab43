/**
 * Shows a function call as a card that fills in while the call is written. Rows for required
 * arguments are there from the beginning.
 */
import { useSignal } from '@preact/signals';
import { type Argument, type Call, readCall } from './call.ts';
import { functions, spoken } from './functions.ts';
import { Check, Copy, FunctionIcon } from './icons.tsx';
import { moment } from './units.ts';

interface CallCardProps {
  readonly call: Call;
  /** The call's text so far. */
  readonly text: string;
  readonly writing: boolean;
}

export function CallCard({ call, text, writing }: CallCardProps) {
  const known = functions.find(({ name }) => name === call.name);
  const coming = writing && known ? known.required.filter((name) => !call.arguments.some((a) => a.name === name)) : [];
  return (
    <div class="call" data-function={call.named ? call.name : ''}>
      <div class="title">
        <span class="tile">
          <FunctionIcon name={call.named ? call.name : ''} />
        </span>
        <div>
          <h2>{call.named ? spoken(call.name) : 'Choosing a function'}</h2>
          <code>{call.name || ' '}</code>
        </div>
        {call.complete && !writing && (
          <span class="whole">
            <Check />
            <span class="spoken">Complete</span>
          </span>
        )}
      </div>
      <dl>
        {call.arguments.map((argument) => (
          <Row key={argument.name} argument={argument} writing={writing} />
        ))}
        {coming.map((name) => (
          <div key={name} class="coming">
            <dt>{spoken(name)}</dt>
            <dd />
          </div>
        ))}
      </dl>
      {!writing && !call.complete && <p class="cut">The call is not complete.</p>}
      {!writing && <Written text={text} />}
    </div>
  );
}

function Row({ argument, writing }: { readonly argument: Argument; readonly writing: boolean }) {
  const { name, value, complete } = argument;
  const when = complete ? moment(value) : null;
  return (
    <div>
      <dt>{spoken(name)}</dt>
      <dd class={writing && !complete ? 'caret' : undefined}>{when ? <time dateTime={value}>{when}</time> : value}</dd>
    </div>
  );
}

/** The call as text, to read and to copy. */
function Written({ text }: { readonly text: string }) {
  const copied = useSignal(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    copied.value = true;
    setTimeout(() => (copied.value = false), 1500);
  };
  return (
    <details>
      <summary>JSON</summary>
      <pre>
        <code>{indented(text)}</code>
      </pre>
      {navigator.clipboard && (
        <button type="button" onClick={copy}>
          {copied.value ? <Check /> : <Copy />}
          {copied.value ? 'Copied' : 'Copy'}
        </button>
      )}
    </details>
  );
}

function indented(text: string): string {
  return readCall(text)?.complete ? JSON.stringify(JSON.parse(text), null, 2) : text;
}
