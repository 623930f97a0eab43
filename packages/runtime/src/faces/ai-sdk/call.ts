/** A call of the AI SDK in the form of `generate`: messages, options, and what has no effect. */
import type { GenerateOptions, Message, ToolCall } from '../../api.ts';
import type { CallOptions, CallTool, PromptMessage, PromptPart, Warning } from './types.ts';

export interface Call {
  readonly messages: readonly Message[];
  /** For a chat template that refuses the role of `messages` that this face has added; else null. */
  readonly withoutSystem: readonly Message[] | null;
  readonly options: GenerateOptions;
  readonly warnings: Warning[];
}

export function readCall({ prompt, ...given }: CallOptions): Call {
  const { maxOutputTokens, temperature, topP, topK, stopSequences, seed, abortSignal, providerOptions } = given;
  const tools = given.tools?.filter((tool) => tool.type === 'function').map(toolOf);
  const options = {
    maxTokens: maxOutputTokens,
    temperature,
    topP,
    topK,
    stop: stopSequences?.length ? stopSequences : undefined,
    // The SDK's seeds are any whole numbers; the lower 32 bits of one are a seed of `generate`.
    seed: Number.isSafeInteger(seed) ? Number(BigInt.asUintN(32, BigInt(seed!))) : seed,
    signal: abortSignal,
    responseFormat: formatOf(given.responseFormat),
    ...(tools?.length && { tools, toolChoice: choiceOf(given.toolChoice) }),
    ...providerOptions?.lamella,
  };
  const messages = prompt.flatMap(messagesOf);
  const { responseFormat: format } = given;
  const asked =
    format?.type === 'json' && format.schema ? withSchema(messages, format.schema) : { messages, withoutSystem: null };
  return { ...asked, options, warnings: warningsOf(given) };
}

/**
 * The messages with the schema of the answer in the system message, or in the first message for a
 * template without that role. A constraint makes an answer valid, but only a model that has read
 * the schema can choose sensible values; servers of OpenAI's protocol show it to the model too.
 */
function withSchema(messages: readonly Message[], schema: object): Pick<Call, 'messages' | 'withoutSystem'> {
  const text = `Answer with JSON that satisfies this JSON schema:\n${JSON.stringify(schema)}`;
  const [first, ...rest] = messages;
  const joined = first ? [{ ...first, content: `${first.content}\n\n${text}` }, ...rest] : null;
  return joined && first?.role === 'system'
    ? { messages: joined, withoutSystem: null }
    : { messages: [{ role: 'system', content: text }, ...messages], withoutSystem: joined };
}

/** An error that the SDK recognises as its `UnsupportedFunctionalityError`. */
function unsupported(functionality: string): Error {
  const name = 'AI_UnsupportedFunctionalityError';
  const marks = { [Symbol.for('vercel.ai.error')]: true, [Symbol.for(`vercel.ai.error.${name}`)]: true };
  return Object.assign(
    new Error(`A package's model does not support ${functionality}.`),
    { name, functionality },
    marks,
  );
}

function messagesOf({ role, content }: PromptMessage): readonly Message[] {
  if (typeof content === 'string') return [{ role, content }];
  if (role === 'tool') return content.filter(({ type }) => type === 'tool-result').map(resultOf);
  const texts: string[] = [];
  const calls: ToolCall[] = [];
  for (const part of content) {
    if (part.type === 'text') texts.push(part.text!);
    else if (part.type === 'tool-call') calls.push(callOf(part));
    // A model reads its own reasoning only while it writes it.
    else if (part.type !== 'reasoning') throw unsupported(`the content ${part.type} in a message of the role ${role}`);
  }
  return [{ role, content: texts.join(''), ...(calls.length > 0 && { tool_calls: calls }) }];
}

function callOf({ toolCallId, toolName, input }: PromptPart): ToolCall {
  return { id: toolCallId!, type: 'function', function: { name: toolName!, arguments: JSON.stringify(input) } };
}

/** What a tool returned, as the SDK wraps it. */
interface Output {
  readonly type: string;
  readonly value?: unknown;
  readonly reason?: string;
}

function resultOf({ toolCallId, toolName, output }: PromptPart): Message {
  return { role: 'tool', tool_call_id: toolCallId, name: toolName, content: outputText(output as Output) };
}

function outputText({ type, value, reason }: Output): string {
  switch (type) {
    case 'text':
    case 'error-text':
      return String(value);
    case 'json':
    case 'error-json':
      return JSON.stringify(value);
    case 'execution-denied':
      return reason ?? 'The user did not allow this call.';
    case 'content':
      return (value as readonly PromptPart[])
        .map((part) => {
          if (part.type !== 'text') throw unsupported(`the content ${part.type} in the result of a tool`);
          return part.text;
        })
        .join('');
    default:
      throw unsupported(`the result ${type} of a tool`);
  }
}

function toolOf(tool: CallTool) {
  const { name, description, inputSchema, strict } = tool as CallTool & { type: 'function' };
  return {
    type: 'function' as const,
    function: {
      name,
      ...(description !== undefined && { description }),
      parameters: inputSchema as object,
      ...(strict !== undefined && { strict }),
    },
  };
}

function choiceOf(choice: CallOptions['toolChoice']) {
  if (choice?.type === 'tool') return { type: 'function' as const, function: { name: choice.toolName } };
  return choice?.type ?? 'auto';
}

function formatOf(format: CallOptions['responseFormat']): GenerateOptions['responseFormat'] {
  if (format?.type !== 'json') return undefined;
  return format.schema ? { type: 'json_schema', schema: format.schema } : { type: 'json' };
}

function warningsOf({
  presencePenalty,
  frequencyPenalty,
  reasoning,
  tools = [],
}: Omit<CallOptions, 'prompt'>): Warning[] {
  const details = 'providerOptions: { lamella: { repetitionPenalty: 1.1 } } makes repetition less likely';
  const warnings: Warning[] = [];
  if (presencePenalty) warnings.push({ type: 'unsupported', feature: 'presencePenalty', details });
  if (frequencyPenalty) warnings.push({ type: 'unsupported', feature: 'frequencyPenalty', details });
  if (reasoning && reasoning !== 'provider-default') warnings.push({ type: 'unsupported', feature: 'reasoning' });
  for (const { type, name } of tools)
    if (type === 'provider') warnings.push({ type: 'unsupported', feature: `provider-defined tool ${name}` });
  return warnings;
}
