/**
 * The face for the Prompt API (https://webmachinelearning.github.io/prompt-api, and for the shared
 * parts https://webmachinelearning.github.io/writing-assistance-apis): the class `LanguageModel`
 * with a package's model.
 */
import type { Message } from '../../api.ts';
import { signalOf } from './call-options.ts';
import { quotaExceeded } from './errors.ts';
import { type Conversation, countTokens, ifThereIsRoom, PromptSession, readAhead } from './language-model.ts';
import { loadingOf } from './loading.ts';
import { dictionary, readPrompt } from './prompt-input.ts';
import { params, readSettings } from './settings.ts';
import { joined, until } from './signals.ts';
import type * as types from './types.ts';

export const createLanguageModel: typeof types.createLanguageModel = (load) => {
  const loading = loadingOf(load);

  return class LanguageModel extends PromptSession {
    static async availability(options?: types.CoreOptions): Promise<types.Availability> {
      try {
        readSettings(dictionary(options, 'The options'));
      } catch (error) {
        if ((error as Error).name === 'NotSupportedError') return 'unavailable';
        throw error;
      }
      return loading.availability();
    }

    static async params() {
      return { ...params };
    }

    static async create(options?: types.CreateOptions): Promise<types.LanguageModel> {
      const given = dictionary(options, 'The options');
      const settings = readSettings(given);
      const pinned = initialMessages(given.initialPrompts);
      const theirs = signalOf(given);
      theirs?.throwIfAborted();
      const progress = startMonitor(given.monitor);
      const { signal, end } = joined([theirs]);
      try {
        const creating = async (): Promise<Conversation> => {
          const model = await loading.model(signal, progress);
          const usage = await countTokens({ model, settings }, pinned);
          if (usage >= model.manifest.context) throw quotaExceeded(usage, model.manifest.context);
          signal.throwIfAborted();
          const session = await ifThereIsRoom(model.session());
          const conversation = { model, session, settings, pinned, turns: [], usage };
          await readAhead(conversation, signal);
          if (signal.aborted) session?.dispose();
          return conversation;
        };
        const conversation = await until(signal, creating());
        progress(1);
        return new LanguageModel(conversation, theirs);
      } finally {
        end();
      }
    }
  };
};

function initialMessages(given: unknown): readonly Message[] {
  if (given === undefined) return [];
  const { messages, prefix } = readPrompt(given);
  return prefix === '' ? messages : [...messages, { role: 'assistant', content: prefix }];
}

/**
 * Calls the page's `monitor`. Returns a function that fires `downloadprogress` for shares that
 * rise.
 */
function startMonitor(monitor: unknown): (share: number) => void {
  if (monitor === undefined) return () => {};
  if (typeof monitor !== 'function') throw new TypeError('monitor must be a function.');
  const target = Object.assign(new EventTarget(), { ondownloadprogress: null }) as types.CreateMonitor;
  target.addEventListener('downloadprogress', (event) =>
    target.ondownloadprogress?.(event as unknown as types.DownloadProgress),
  );
  monitor(target);
  let last = -1;
  const fire = (share: number) => {
    if (share <= last) return;
    last = share;
    target.dispatchEvent(progressEvent(share));
  };
  // The specification fires 0 first and 1 last, however little is downloaded.
  queueMicrotask(() => fire(0));
  return fire;
}

/** Node has no `ProgressEvent`. */
function progressEvent(loaded: number): Event {
  if (typeof ProgressEvent === 'function')
    return new ProgressEvent('downloadprogress', { lengthComputable: true, loaded, total: 1 });
  return Object.assign(new Event('downloadprogress'), { lengthComputable: true, loaded, total: 1 });
}
