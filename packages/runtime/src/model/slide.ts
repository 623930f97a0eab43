/**
 * Which tokens a sequence continues from that has outgrown the context. Models attend strongly to
 * their first few tokens, whatever these are, and fail without them (Xiao et al., StreamingLLM,
 * arXiv 2309.17453). So these "attention sinks" and the newest half of the context stay, and are
 * computed again at their new positions.
 *
 * Which tokens stay depends only on the tokens: a prompt slides as if it had been generated. So a
 * conversation whose prompts grow at the end keeps what was computed, until the next slide.
 */

/** The number of sinks that the paper found to be enough. */
const SINKS = 4;

/**
 * The at most `context` of `tokens` that stay: all of them if they fit. Otherwise as if they came
 * one by one, and at each one that had no room only the sinks and the newest half stayed, itself
 * included.
 */
export function slid(tokens: readonly number[], context: number): readonly number[] {
  const over = tokens.length - context - 1;
  if (over < 0) return tokens;
  const sinks = Math.min(SINKS, context >> 2);
  const newest = context - (context >> 1);
  const sinceSlide = over % (context + 1 - sinks - newest);
  return [...tokens.slice(0, sinks), ...tokens.slice(tokens.length - sinceSlide - newest)];
}
