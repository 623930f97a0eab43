/**
 * The merge list of a BPE `tokenizer.json`, from SentencePiece's scores.
 *
 * SentencePiece keeps no merges: it joins the two neighbouring symbols whose concatenation is the piece with the highest score, leftmost
 * first, until no two neighbours make a piece. Which two they are does not matter to it, so each piece stands for every way of cutting it
 * into two symbols that can occur: a single character, or a piece that is itself merged. Ranked by score, with all cuts of a piece next to
 * each other, the same pair comes first in both.
 *
 * One thing a rank cannot say is "leftmost" between different pairs. Two merged pieces of equal score are therefore refused; training
 * gives every piece a score of its own. Between cuts of one piece it could matter only where the piece overlaps itself cut differently
 * (ab|aba|ba for ababa), which merging from the left does not leave behind: in 100,000 random strings of two and three letters, with models
 * trained on such strings, ids were SentencePiece's for either order of the cuts.
 */
import type { Piece } from './model.ts';
import type { Refuse } from './protobuf.ts';

/** Pairs in the order in which they are merged. Throws what `refuse` makes when two merged pieces have the same score. */
export function mergesOf(pieces: readonly Piece[], refuse: Refuse): [left: string, right: string][] {
  const normal = pieces.filter((piece) => piece.type === 'normal');
  const symbols = new Set(normal.map((piece) => piece.text));
  const merges: [string, string][] = [];
  let previous: Piece | null = null;
  for (const piece of normal.toSorted((a, b) => b.score - a.score)) {
    const cuts = cutsOf(piece.text, symbols);
    if (cuts.length === 0) continue;
    if (previous?.score === piece.score) {
      const [one, other] = [previous.text, piece.text].map((text) => JSON.stringify(text));
      throw refuse(`the pieces ${one} and ${other} have the same score, so which is merged first depends on the text`);
    }
    previous = piece;
    merges.push(...cuts);
  }
  return merges;
}

/** Every way to make `text` of two symbols. */
function cutsOf(text: string, symbols: ReadonlySet<string>): [string, string][] {
  const characters = Array.from(text);
  const occurs = (half: string, length: number): boolean => length === 1 || symbols.has(half);
  const cuts: [string, string][] = [];
  for (let at = 1; at < characters.length; at++) {
    const left = characters.slice(0, at).join('');
    const right = text.slice(left.length);
    if (occurs(left, at) && occurs(right, characters.length - at)) cuts.push([left, right]);
  }
  return cuts;
}
