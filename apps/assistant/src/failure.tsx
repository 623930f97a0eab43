/** Shows a failure: what failed, why, what to do, and a button for it where one can help. */
import type { ComponentChildren } from 'preact';
import { Alert } from './icons.tsx';

interface FailureProps {
  readonly title: string;
  readonly error: Error;
  readonly children?: ComponentChildren;
}

/** Messages of the package end in a remedy. */
export function Failure({ title, error, children }: FailureProps) {
  const [, code = '', sentence = '', remedy = ''] = /^(?:(L\d+) )?(.*?)(?:\. Try (.*))?$/s.exec(error.message) ?? [];
  return (
    <div class="failure" role="alert">
      <Alert />
      <div>
        <h2>{title}</h2>
        <p>
          {sentence}. {code && <code>{code}</code>}
        </p>
        {remedy && (
          <p>
            <strong>Try</strong> {remedy}
          </p>
        )}
        {children && <p class="buttons">{children}</p>}
      </div>
    </div>
  );
}
