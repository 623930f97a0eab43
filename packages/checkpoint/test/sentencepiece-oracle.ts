/**
 * SentencePiece's BPE by its definition, as a reference for a package's tokenizer: no heap, no
 * ranks, no merges; every round examines all adjacent pairs and joins the best. For models without
 * user-defined symbols that keep their spaces.
 */
import type { SentencePieceModel } from '../src/sentencepiece/model.ts';

/** A function that gives the ids of a text. */
export function oracle(model: SentencePieceModel): (text: string) => number[] {
  const pieces = new Map(model.pieces.map((piece, id) => [piece.text, { ...piece, id }]));
  const normal = (symbol: string) => {
    const piece = pieces.get(symbol);
    return piece?.type === 'normal' ? piece : undefined;
  };
  const idOfByte = (byte: number) => pieces.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)!.id;

  return (text) => {
    if (text === '') return [];
    const symbols = Array.from(`${model.dummyPrefix ? '▁' : ''}${text.replaceAll(' ', '▁')}`);
    for (;;) {
      let best: { readonly at: number; readonly score: number } | null = null;
      for (let at = 0; at + 1 < symbols.length; at++) {
        const piece = normal(symbols[at]! + symbols[at + 1]!);
        if (piece && (best === null || piece.score > best.score)) best = { at, score: piece.score };
      }
      if (best === null) break;
      symbols.splice(best.at, 2, symbols[best.at]! + symbols[best.at + 1]!);
    }
    return symbols.flatMap((symbol) => normal(symbol)?.id ?? Array.from(new TextEncoder().encode(symbol), idOfByte));
  };
}
