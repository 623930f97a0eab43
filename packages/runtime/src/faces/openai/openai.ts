/**
 * The face for apps that use the package `openai`: requests in the shape of OpenAI's API, computed
 * by a model on this device. `lamella serve` answers over HTTP with the same code.
 */
import type { Model } from '../../api.ts';
import { chatAnswers, completionAnswers, type Kind, type Part, shown } from './answers.ts';
import { APIError, asApiError } from './api-error.ts';
import type { Common } from './request.ts';
import type * as types from './types.ts';

export { APIError };

export const createOpenAI: typeof types.createOpenAI = (model: Model): types.OpenAI => {
  const created = Math.floor(Date.now() / 1000);
  return {
    chat: { completions: { create: create(model, chatAnswers) } },
    completions: { create: create(model, completionAnswers) },
    models: {
      list: async () => ({
        object: 'list',
        data: [{ id: model.manifest.name, object: 'model', created, owned_by: 'lamella' }],
      }),
    },
  };
};

/** The function `create` of one kind of request. */
function create<Body extends types.SharedRequest, Request extends Common, P extends Part, Whole>(
  model: Model,
  { read, parts, whole }: Kind<Request, P, Whole>,
): types.Create<Body, Whole, P> {
  const answer = async (body: Body, { signal }: types.RequestOptions = {}): Promise<Whole | types.Stream<P>> => {
    signal?.throwIfAborted();
    const controller = new AbortController();
    const abort = () => controller.abort(signal!.reason);
    signal?.addEventListener('abort', abort);
    const done = () => signal?.removeEventListener('abort', abort);
    try {
      const request = read(body);
      const all = parts(model, request, controller.signal);
      if (!request.stream) return await whole(all).finally(done);
      return await streamOf(shown(all, request), controller, done);
    } catch (cause) {
      done();
      controller.signal.throwIfAborted();
      throw asApiError(cause);
    }
  };
  return answer as types.Create<Body, Whole, P>;
}

/** A stream whose first part has arrived, so that a request that is refused rejects. */
async function streamOf<P>(
  parts: AsyncGenerator<P>,
  controller: AbortController,
  done: () => void,
): Promise<types.Stream<P>> {
  const first = await parts.next();
  async function* all() {
    try {
      if (!first.done) yield first.value;
      yield* parts;
    } catch (cause) {
      // As in OpenAI's client, an aborted stream just ends.
      if (!controller.signal.aborted) throw asApiError(cause);
    } finally {
      done();
      await parts.return(undefined);
    }
  }
  const iterated = all();
  return { controller, [Symbol.asyncIterator]: () => iterated };
}
