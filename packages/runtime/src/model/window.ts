/**
 * The tokens from which a sequence continues that has outgrown the context. A model reads its first
 * few tokens with unusual attention, wherever they stand, and answers badly without them (Xiao et
 * al., StreamingLLM, arXiv 2309.17453). So these "attention sinks" and the newest half of the context
 * stay, and are computed again at their new positions.
 *
 * The window depends only on the tokens, not on how they came: a prompt gets the window that it
 * would have if it had been generated. So a conversation whose prompts grow at the end keeps what
 * was computed until the next slide.
 */

/** The number of sinks that the paper found to be enough. */
const SINKS = 4;

/**
 * At most `context` of `tokens`: all of them if they fit. Else as if they came one by one, and each
 * that had no room left only the sinks and the newest half, which it is part of.
 */
export function windowOf(tokens: readonly number[], context: number): readonly number[] {
  const over = tokens.length - context - 1;
  if (over < 0) return tokens;
  const sinks = Math.min(SINKS, context >> 2);
  const newest = context - (context >> 1);
  const sinceSlide = over % (context + 1 - sinks - newest);
  return [...tokens.slice(0, sinks), ...tokens.slice(tokens.length - sinceSlide - newest)];
}
