/**
 * Writes the assistant's tokenizer: the bytes of UTF-8 unchanged, ids 0 to 255, and four special
 * tokens. A small model that copies names and addresses out of a request must be able to spell
 * anything, and 260 rows of embedding leave its parameters to the layers.
 *
 *     npx tsx graphs/assistant/tokenizer.ts
 *
 * In Hugging Face's format it is a byte-level BPE without merges. Byte-level BPE (GPT-2) names each
 * byte with one printable character: printable Latin-1 stands for itself, and the other 68 bytes
 * take the characters from U+0100 on, in order.
 */
import { writeFileSync } from 'node:fs';

const special = { '<bos>': 256, '<eos>': 257, '<sep>': 258, '<pad>': 259 };

/** The 256 characters that stand for the bytes, by byte. */
function byteNames(): string[] {
  const printable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };

const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: Object.entries(special).map(([content, id]) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: byteLevel,
  post_processor: null,
  decoder: byteLevel,
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(byteNames().map((name, byte) => [name, byte])),
    merges: [],
  },
};

const config = {
  tokenizer_class: 'PreTrainedTokenizerFast',
  bos_token: '<bos>',
  eos_token: '<eos>',
  sep_token: '<sep>',
  pad_token: '<pad>',
  add_bos_token: true,
  clean_up_tokenization_spaces: false,
  // The tokens before and after a request; `lamella compile` reads them.
  lamella: { prompt_prefix: '', prompt_suffix: '<sep>' },
};

for (const [name, content] of Object.entries({ 'tokenizer.json': tokenizer, 'tokenizer_config.json': config })) {
  writeFileSync(new URL(name, import.meta.url), `${JSON.stringify(content, null, 2)}\n`);
}
