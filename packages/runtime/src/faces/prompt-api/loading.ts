/**
 * The load of the model, one for all sessions. It ends if every call that waits for it is aborted;
 * after a failure the next call loads again.
 */
import type { LoadOptions, Model } from '../../api.ts';
import { codeOf, exceptionFor } from './errors.ts';
import type { Availability } from './types.ts';

export type Load = (url?: string | URL, options?: LoadOptions) => Promise<Model>;
type Progress = (share: number) => void;

export interface Loading {
  readonly availability: () => Availability;
  /** The loaded model. `onProgress` receives rising shares below 1. */
  readonly model: (signal: AbortSignal, onProgress: Progress) => Promise<Model>;
}

/** A load that has begun. */
interface Attempt {
  readonly model: Promise<Model>;
  readonly control: AbortController;
  /** One for each call that waits. */
  readonly waiting: Set<Progress>;
}

export function loadingOf(load: Load): Loading {
  let availability: Availability = 'downloadable';
  let current: Attempt | null = null;

  function start(): Attempt {
    const control = new AbortController();
    const waiting = new Set<Progress>();
    const attempt = { model: checked(), control, waiting };
    return attempt;

    async function checked(): Promise<Model> {
      // The attempt is current before anything can fail.
      await null;
      availability = 'downloading';
      const onProgress = (done: number, total: number) => {
        for (const progress of waiting) progress(total > 0 ? done / total : 0);
      };
      try {
        const model = await load(undefined, { signal: control.signal, onProgress });
        await requireMessages(model);
        availability = 'available';
        return model;
      } catch (error) {
        const isUnavailable = unavailable.includes(codeOf(error) ?? '');
        if (current === attempt) {
          availability = isUnavailable ? 'unavailable' : 'downloadable';
          if (!isUnavailable) current = null;
        }
        throw exceptionFor(error, 'OperationError');
      }
    }
  }

  return {
    availability: () => availability,
    async model(signal, onProgress) {
      current ??= start();
      const attempt = current;
      const { model, control, waiting } = attempt;
      const leave = () => {
        waiting.delete(onProgress);
        if (waiting.size > 0 || availability !== 'downloading') return;
        control.abort();
        current = null;
        availability = 'downloadable';
      };
      waiting.add(onProgress);
      signal.addEventListener('abort', leave);
      try {
        return await model;
      } finally {
        signal.removeEventListener('abort', leave);
        waiting.delete(onProgress);
      }
    },
  };
}

/** The codes of a package that takes no messages. */
const unavailable = ['L406', 'L451'];

/** Rejects with a code of `unavailable`. A template that refuses just this message is one. */
async function requireMessages(model: Model): Promise<void> {
  await model.count([{ role: 'user', content: '' }]).catch((error) => {
    if (codeOf(error) !== 'L452') throw error;
  });
}
