/** Shown before the first request: an introduction and example requests. */
import { ask } from './conversation.ts';
import { examples, spoken } from './functions.ts';
import { FunctionIcon } from './icons.tsx';
import { LoadingText } from './loading.tsx';
import { isOwn, loading } from './model.ts';
import { count } from './units.ts';

export function Welcome({ withExamples }: { readonly withExamples: boolean }) {
  const now = loading.value;
  const parameters = now.kind === 'ready' ? count(now.model.manifest.report.parameters) : null;
  if (!isOwn.value)
    return (
      <section class="welcome">
        <h2>{now.kind === 'ready' ? now.model.manifest.name : 'Another model'}</h2>
        <p>{parameters ? `${parameters} parameters, on this device. It continues the text that you write.` : ' '}</p>
        <LoadingText />
      </section>
    );
  return (
    <section class="welcome">
      <h2>Say it, and it becomes a function call.</h2>
      <p>
        A model of {parameters ?? '624,256'} parameters turns your request into a function call. It runs on this device;
        nothing you write leaves it.
      </p>
      <LoadingText />
      {withExamples && <Examples />}
    </section>
  );
}

function Examples() {
  return (
    <ul class="examples">
      {examples.map(({ of, request }) => (
        <li key={request}>
          <button type="button" data-function={of} onClick={() => ask(request)}>
            <span class="tile">
              <FunctionIcon name={of} />
            </span>
            <span>
              <small>{spoken(of)}</small>
              {request}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
