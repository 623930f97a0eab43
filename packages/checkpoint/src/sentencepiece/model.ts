/**
 * Reads a SentencePiece `tokenizer.model`: the protobuf message ModelProto, with the field numbers
 * of sentencepiece_model.proto (github.com/google/sentencepiece). Only fields that affect encoding
 * are read. One kind of model is supported, the one that LLaMA introduced: BPE with byte fallback
 * on unmodified text, with spaces written as ▁. Every other kind is refused with the property that
 * makes it different, because its `tokenizer.json` would give other ids than SentencePiece.
 */
import { bytesOf, type Field, fieldsOf, floatOf, numberOf, type Refuse, textOf } from './protobuf.ts';

export type PieceType = 'normal' | 'unknown' | 'control' | 'user-defined' | 'byte';

/** One entry of the vocabulary; its id is its index in the list. */
export interface Piece {
  /** With ▁ in place of every space. */
  readonly text: string;
  /**
   * Of two pieces that adjacent pieces could form, the one with the higher score is formed first.
   */
  readonly score: number;
  readonly type: PieceType;
}

export interface SentencePieceModel {
  readonly pieces: readonly Piece[];
  /** Whether a ▁ is put before the text. */
  readonly dummyPrefix: boolean;
  /** Whether spaces at both ends are removed and runs of spaces are reduced to one. */
  readonly removesSpaces: boolean;
  /**
   * Texts of the special pieces. BOS and EOS may be missing from the vocabulary; UNK is always
   * there.
   */
  readonly bos: string;
  readonly eos: string;
  readonly unk: string;
}

/**
 * SentencePiece's default limit is 16 characters per piece. This limit bounds the time for
 * splitting a piece.
 */
export const maxPieceLength = 512;

const types: ReadonlyMap<number, PieceType | 'unused'> = new Map([
  [1, 'normal'],
  [2, 'unknown'],
  [3, 'control'],
  [4, 'user-defined'],
  [5, 'unused'],
  [6, 'byte'],
]);
const modelTypes: ReadonlyMap<number, string> = new Map([
  [1, 'unigram'],
  [2, 'bpe'],
  [3, 'word'],
  [4, 'char'],
]);

/**
 * Reads the content of a `tokenizer.model`. Throws `refuse(reason)` if it is malformed or not of
 * the supported kind.
 */
export function readModel(bytes: Uint8Array, refuse: Refuse): SentencePieceModel {
  const pieces: Piece[] = [];
  // The defaults of the message's definition: a field with its default value may be missing from
  // the file.
  const trainer = { modelType: 1, suffix: false, bos: '<s>', eos: '</s>', unk: '<unk>' };
  const normalizer = { dummyPrefix: true, removesSpaces: true, escapesSpaces: true };

  for (const field of fieldsOf(bytes, 'the file', refuse)) {
    if (field.number === 1) pieces.push(pieceOf(field, `piece ${pieces.length}`, refuse));
    else if (field.number === 2) {
      for (const setting of fieldsOf(bytesOf(field, 'trainer_spec', refuse), 'trainer_spec', refuse)) {
        if (setting.number === 3) trainer.modelType = numberOf(setting, 'model_type', refuse);
        if (setting.number === 24) trainer.suffix = numberOf(setting, 'treat_whitespace_as_suffix', refuse) !== 0;
        if (setting.number === 45) trainer.unk = textOf(setting, 'unk_piece', refuse);
        if (setting.number === 46) trainer.bos = textOf(setting, 'bos_piece', refuse);
        if (setting.number === 47) trainer.eos = textOf(setting, 'eos_piece', refuse);
      }
    } else if (field.number === 3) {
      for (const setting of fieldsOf(bytesOf(field, 'normalizer_spec', refuse), 'normalizer_spec', refuse)) {
        if (setting.number === 2) refuseCharsmap(setting, 'normaliser', refuse);
        if (setting.number === 3) normalizer.dummyPrefix = numberOf(setting, 'add_dummy_prefix', refuse) !== 0;
        if (setting.number === 4)
          normalizer.removesSpaces = numberOf(setting, 'remove_extra_whitespaces', refuse) !== 0;
        if (setting.number === 5) normalizer.escapesSpaces = numberOf(setting, 'escape_whitespaces', refuse) !== 0;
      }
    } else if (field.number === 5) {
      for (const setting of fieldsOf(bytesOf(field, 'denormalizer_spec', refuse), 'denormalizer_spec', refuse)) {
        if (setting.number === 2) refuseCharsmap(setting, 'denormaliser', refuse);
      }
    }
  }

  if (pieces.length === 0) throw refuse('it has no pieces');
  if (trainer.modelType !== 2) {
    const name = modelTypes.get(trainer.modelType) ?? `of type ${trainer.modelType}`;
    throw refuse(`its model is ${name}, and only bpe is converted`);
  }
  if (!normalizer.escapesSpaces) throw refuse('its normaliser leaves spaces as they are (escape_whitespaces is off)');
  if (trainer.suffix) throw refuse('it puts ▁ behind words (treat_whitespace_as_suffix)');
  checkPieces(pieces, refuse);
  const unk = pieces.find((piece) => piece.type === 'unknown')!;
  const { dummyPrefix, removesSpaces } = normalizer;
  return { pieces, dummyPrefix, removesSpaces, bos: trainer.bos, eos: trainer.eos, unk: unk.text };
}

function pieceOf(field: Field, what: string, refuse: Refuse): Piece {
  let text = '';
  let score = 0;
  let typeNumber = 1;
  for (const part of fieldsOf(bytesOf(field, what, refuse), what, refuse)) {
    if (part.number === 1) text = textOf(part, what, refuse);
    if (part.number === 2) score = floatOf(part, `the score of ${what}`, refuse);
    if (part.number === 3) typeNumber = numberOf(part, `the type of ${what}`, refuse);
  }
  if (text === '') throw refuse(`${what} is empty`);
  if (text.length > maxPieceLength) throw refuse(`${what} is longer than ${maxPieceLength} characters`);
  if (!Number.isFinite(score)) throw refuse(`the score of ${what} is ${score}`);
  const type = types.get(typeNumber);
  if (type === undefined) throw refuse(`${what} is of type ${typeNumber}, which does not exist`);
  if (type === 'unused') throw refuse(`${what} is marked unused, so its vocabulary was restricted after training`);
  return { text, score, type };
}

/**
 * Refuses a vocabulary unless every text occurs once, one piece stands for unknown text, and each
 * of the 256 bytes has a piece.
 */
export function checkPieces(pieces: readonly Piece[], refuse: Refuse): void {
  const texts = new Set<string>();
  for (const { text } of pieces) {
    if (texts.has(text)) throw refuse(`the piece ${JSON.stringify(text)} is there twice`);
    texts.add(text);
  }
  const unknown = pieces.filter((piece) => piece.type === 'unknown').length;
  if (unknown !== 1) throw refuse(`it has ${unknown} pieces for what is unknown, not 1`);
  const bytes = new Set(pieces.filter((piece) => piece.type === 'byte').map((piece) => piece.text));
  if (bytes.size === 0) throw refuse('it has no byte fallback');
  for (let byte = 0; byte < 256; byte++) {
    const text = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
    if (!bytes.has(text)) throw refuse(`it has no piece for the byte ${text}`);
  }
  if (bytes.size > 256) throw refuse(`it has ${bytes.size} pieces for 256 bytes`);
}

function refuseCharsmap(field: Field, which: string, refuse: Refuse): void {
  if (bytesOf(field, `the ${which}'s precompiled_charsmap`, refuse).length > 0) {
    throw refuse(`its ${which} rewrites characters (precompiled_charsmap), and only identity is converted`);
  }
}
