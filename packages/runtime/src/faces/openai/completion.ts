/**
 * Answers of `/completions`: texts or token ids that are continued, or only scored. Evaluations
 * (lm-evaluation-harness' `local-completions`) send ids with `echo`, `logprobs` and `max_tokens: 1`
 * and add up the log-probabilities of the prompt, so these are computed from all its logits.
 */
import type { TokenIds } from '../../api.ts';
import { logprobsOf } from '../../sampling/logprobs.ts';
import { SEEDS, type TextRequest } from './request.ts';
import { Count, endOf, heading, type Served } from './served.ts';
import { type TokenTexts, tokenTexts } from './token-texts.ts';
import type { Completion, CompletionLogprobs, Usage } from './types.ts';

type Choice = Completion['choices'][number];

/**
 * The parts of an answer. A request that the model refuses fails before the first one. The last one
 * has the usage and no choices.
 */
export async function* completionChunks(
  model: Served,
  request: TextRequest,
  signal?: AbortSignal,
): AsyncGenerator<Completion & { readonly usage: Usage | null }, void, undefined> {
  const { n, maxTokens, echo, options } = request;
  const head = heading('text_completion', model);
  const count = new Count();
  const texts = tokenTexts(model);
  const prompts: { readonly ids: readonly number[]; readonly text: string }[] = [];
  for (const given of request.prompts) prompts.push(await promptOf(model, given, echo));
  for (const [place, { ids, text }] of prompts.entries()) {
    for (let answer = 0; answer < n; answer++) {
      const index = place * n + answer;
      const part = (text: string, logprobs: CompletionLogprobs | null, finish_reason: Choice['finish_reason']) => ({
        ...head,
        choices: [{ index, text, logprobs, finish_reason }],
        usage: null,
      });
      let offset = text.length;
      if (echo) {
        const scores =
          options.logprobs === undefined ? null : await promptScores(model, texts, ids, options.logprobs, signal);
        offset = scores ? offsetAfter(scores) : offset;
        yield part(text, scores, null);
      }
      if (maxTokens === 0) {
        count.prompt(answer === 0 ? ids.length : 0, 0);
        yield part('', null, 'length');
        continue;
      }
      const own = options.seed === undefined ? {} : { seed: (options.seed + index) % SEEDS };
      const generation = model.generate(ids, { ...options, ...own, maxTokens, ...(signal && { signal }) });
      for await (const { token, text, logprob, top } of generation) {
        if (logprob === undefined) {
          if (text !== '') yield part(text, null, null);
          continue;
        }
        const logprobs = await scored(texts, offset, { token, logprob, top: top ?? [] });
        offset = offsetAfter(logprobs);
        yield part(text, logprobs, null);
      }
      const end = endOf(generation.finishReason, signal);
      const { promptTokens, cachedTokens, generatedTokens } = generation.stats;
      // What was scored for this answer was not computed by an earlier request.
      if (answer === 0) count.prompt(promptTokens, echo && options.logprobs !== undefined ? 0 : cachedTokens);
      count.generated(generatedTokens);
      yield part('', null, end === 'tool_calls' ? 'stop' : end);
    }
  }
  yield { ...head, choices: [], usage: count.usage };
}

/** The whole answer. */
export async function wholeCompletion(parts: AsyncIterable<Completion>): Promise<Completion> {
  const choices: Choice[] = [];
  let last: Completion | null = null;
  for await (const part of parts) {
    last = part;
    for (const { index, text, logprobs, finish_reason } of part.choices) {
      const before = choices[index];
      choices[index] = {
        index,
        text: (before?.text ?? '') + text,
        logprobs: joined(before?.logprobs ?? null, logprobs),
        finish_reason,
      };
    }
  }
  return { ...last!, choices };
}

/** Adds the entries of `more` to `logprobs`, which belongs to the caller. */
function joined(logprobs: CompletionLogprobs | null, more: CompletionLogprobs | null): CompletionLogprobs | null {
  if (!logprobs || !more) return logprobs ?? more;
  logprobs.tokens.push(...more.tokens);
  logprobs.token_logprobs.push(...more.token_logprobs);
  logprobs.top_logprobs.push(...more.top_logprobs);
  logprobs.text_offset.push(...more.text_offset);
  return logprobs;
}

/**
 * Ids of a prompt, and its text if it is echoed. Throws what the model says of a prompt that it
 * refuses, before anything is computed for the prompts before it.
 */
async function promptOf(model: Served, given: string | TokenIds, echo: boolean) {
  const { tokenizer } = model;
  const isText = typeof given === 'string';
  const ids = isText && tokenizer ? await tokenizer.encodePrompt(given) : given;
  // Checks its arguments and computes nothing.
  model.generate(ids, {});
  const text = isText ? given : echo && tokenizer ? await tokenizer.decode(given) : '';
  return { ids: [...(ids as TokenIds)], text };
}

/** Tokens whose logits are in memory at once. 64 of a vocabulary of 262k take 67 MB. */
const STEP = 64;

/** Log-probabilities of a prompt's tokens. The first one has none. */
async function promptScores(
  model: Served,
  texts: TokenTexts,
  ids: readonly number[],
  top: number,
  signal: AbortSignal | undefined,
): Promise<CompletionLogprobs> {
  const first = await texts.of(ids[0]!);
  const scores: CompletionLogprobs = {
    tokens: [first],
    token_logprobs: [null],
    top_logprobs: [null],
    text_offset: [0],
  };
  for (let start = 0; start < ids.length - 1; start += STEP) {
    signal?.throwIfAborted();
    const end = Math.min(ids.length - 1, start + STEP);
    const rows = await model.logitsAll(ids.slice(0, end), start);
    for (const [i, logits] of rows.entries()) {
      const token = ids[start + i + 1]!;
      joined(scores, await scored(texts, offsetAfter(scores), { token, ...logprobsOf(logits, token, top) }));
    }
  }
  return scores;
}

/** One token's entry, at `offset`. */
async function scored(
  texts: TokenTexts,
  offset: number,
  {
    token,
    logprob,
    top,
  }: { readonly token: number; readonly logprob: number; readonly top: ReturnType<typeof logprobsOf>['top'] },
): Promise<CompletionLogprobs> {
  const best: Record<string, number> = {};
  // Parts of characters have the same text. Of those the most probable one, the first, is kept.
  for (const each of [...top, { token, logprob }]) best[await texts.of(each.token)] ??= each.logprob;
  return { tokens: [await texts.of(token)], token_logprobs: [logprob], top_logprobs: [best], text_offset: [offset] };
}

const offsetAfter = ({ text_offset, tokens }: CompletionLogprobs): number =>
  text_offset.at(-1)! + tokens.at(-1)!.length;
