/**
 * The face for the AI SDK: a package's model as a `LanguageModelV3`, which versions 6 and 7 of the
 * package `ai` take. The SDK has the loops of tools, the parsing of objects and the user interface;
 * a model has one call, with its answer whole or as a stream.
 */
import type { FinishReason, Generation, Model, ToolCall } from '../../api.ts';
import { readCall } from './call.ts';
import type * as types from './types.ts';

export const languageModel: typeof types.languageModel = (model) => {
  const modelId = model.manifest.name;
  const response = () => ({ id: `lamella-${++lastId}`, timestamp: new Date(), modelId });
  return {
    specificationVersion: 'v3',
    provider: 'lamella',
    modelId,
    supportedUrls: {},
    async doGenerate(given) {
      const { generation, warnings } = await begun(model, given);
      const result = await generation.result();
      given.abortSignal?.throwIfAborted();
      const { text } = result;
      return {
        content: [...(text ? [{ type: 'text' as const, text }] : []), ...result.toolCalls.map(requested)],
        ...endOf(generation),
        warnings,
        response: response(),
      };
    },
    async doStream(given) {
      const { generation, warnings } = await begun(model, given);
      return { stream: streamOf(parts(generation, warnings, response(), given.abortSignal)) };
    },
  };
};

let lastId = 0;

async function begun(model: Model, given: types.CallOptions) {
  const { messages, withoutSystem, options, warnings } = readCall(given);
  // Counting applies the chat template.
  const isTaken = () =>
    model.count(messages, { tools: options.tools }).then(
      () => true,
      (error) => error.code !== 'L452',
    );
  const taken = withoutSystem && !(await isTaken()) ? withoutSystem : messages;
  return { generation: model.generate(taken, options), warnings };
}

/** The id of the text: an answer has one. */
const id = 'text';

async function* parts(
  generation: Generation,
  warnings: types.Warning[],
  response: types.CallResponse,
  signal: AbortSignal | undefined,
): AsyncGenerator<types.StreamPart, void, undefined> {
  yield { type: 'stream-start', warnings };
  yield { type: 'response-metadata', ...response };
  let hasText = false;
  try {
    for await (const { text } of generation) {
      if (text === '') continue;
      if (!hasText) yield { type: 'text-start', id };
      hasText = true;
      yield { type: 'text-delta', id, delta: text };
    }
    signal?.throwIfAborted();
    if (hasText) yield { type: 'text-end', id };
    for (const call of (await generation.result()).toolCalls.map(requested)) {
      const { toolCallId, toolName, input } = call;
      yield { type: 'tool-input-start', id: toolCallId, toolName };
      yield { type: 'tool-input-delta', id: toolCallId, delta: input };
      yield { type: 'tool-input-end', id: toolCallId };
      yield call;
    }
  } catch (error) {
    // The SDK tells an abort by the error of the stream.
    if (signal?.aborted) throw error;
    yield { type: 'error', error };
  }
  yield { type: 'finish', ...endOf(generation) };
}

function requested({ id, function: { name, arguments: input } }: ToolCall): types.RequestedCall {
  return { type: 'tool-call', toolCallId: id, toolName: name, input };
}

type Unified = types.CallEnd['finishReason']['unified'];

const reasons: Partial<Record<FinishReason, Unified>> = {
  eos: 'stop',
  stop: 'stop',
  length: 'length',
  context: 'length',
  tool_calls: 'tool-calls',
};

/** A generation has no reason after an error. */
function endOf({ finishReason, stats }: Generation): types.CallEnd {
  const { promptTokens, cachedTokens, generatedTokens, ...figures } = stats;
  return {
    finishReason: { unified: (finishReason && reasons[finishReason]) ?? 'error', raw: finishReason ?? undefined },
    usage: {
      inputTokens: {
        total: promptTokens,
        noCache: promptTokens - cachedTokens,
        cacheRead: cachedTokens,
        cacheWrite: undefined,
      },
      outputTokens: { total: generatedTokens, text: generatedTokens, reasoning: undefined },
    },
    providerMetadata: { lamella: { ...figures } },
  };
}

/** Computes a part only when it is read. A stream that is cancelled ends the generation. */
function streamOf<T>(all: AsyncGenerator<T, void, undefined>): ReadableStream<T> {
  return new ReadableStream<T>({
    async pull(controller) {
      const { done, value } = await all.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await all.return();
    },
  });
}
