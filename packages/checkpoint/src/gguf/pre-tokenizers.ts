/**
 * The pre-tokenizers of llama.cpp by their names in `tokenizer.ggml.pre` (llama-vocab.cpp): how a
 * text is split into words before bytes are merged. They are written as in the `tokenizer.json` of
 * the models that use them. Import refuses names that are not listed, and export refuses patterns
 * that are not listed, because other words give other ids.
 */

type Json = Readonly<Record<string, unknown>>;

export interface PreTokenizer {
  /** Names in a file; export writes the first. */
  readonly names: readonly [string, ...string[]];
  readonly normalizer: Json | null;
  /** Regular expressions, applied in sequence. Matches and the texts between them become words. */
  readonly splits: readonly string[];
  /** A word that is a token is used without merging. */
  readonly ignoresMerges: boolean;
  /** Whether a prompt begins with BOS if the file does not specify it. */
  readonly addsBos: boolean;
}

const nfc: Json = { type: 'NFC' };
const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/** GPT-4's pattern; `digits` is the pattern of a number. */
const gpt4 = (digits: string) =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
/** Parts of GPT-4o's pattern, which ends words before upper-case letters. */
const upper = '\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}';
const lower = '\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}';
const endings = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
const gpt4o = `[^\\r\\n\\p{L}\\p{N}]?[${upper}]*[${lower}]+${endings}|[^\\r\\n\\p{L}\\p{N}]?[${upper}]+[${lower}]*${endings}|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const deepseek =
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

const one = (
  names: PreTokenizer['names'],
  splits: readonly string[],
  more: Partial<Pick<PreTokenizer, 'normalizer' | 'ignoresMerges' | 'addsBos'>> = {},
): PreTokenizer => ({ names, splits, normalizer: null, ignoresMerges: false, addsBos: false, ...more });

export const preTokenizers: readonly PreTokenizer[] = [
  one(['gpt-2', 'phi-2', 'granite-docling', 'mellum', 'a.x-4.0', 'gigachat'], [gpt2]),
  one(['olmo', 'mpt'], [gpt2], { normalizer: nfc }),
  // Digits one by one, then GPT-2's words.
  one(['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b'], ['\\p{N}', gpt2]),
  one(
    ['llama-bpe', 'llama3', 'llama-v3', 'lfm2', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0'],
    [gpt4('\\p{N}{1,3}')],
    {
      ignoresMerges: true,
      addsBos: true,
    },
  ),
  one(['dbrx', 'smaug-bpe'], [gpt4('\\p{N}{1,3}')]),
  one(['qwen2', 'deepseek-r1-qwen', 'megrez', 'kormo'], [gpt4('\\p{N}')], { normalizer: nfc }),
  one(['stablelm2'], [gpt4('\\p{N}')]),
  one(['gpt-4o', 'llama4', 'kanana2', 'minimax-m2'], [gpt4o]),
  one(['deepseek-v3', 'hunyuan-dense'], ['\\p{N}{1,3}', '[一-龥぀-ゟ゠-ヿ]+', deepseek]),
];

/** The equivalent `pre_tokenizer` of a `tokenizer.json`. */
export function preTokenizerJson({ splits }: PreTokenizer): Json {
  const use_regex = splits.at(-1) === gpt2;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex };
  const before = (use_regex ? splits.slice(0, -1) : splits).map((Regex) => {
    return { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
  });
  return before.length === 0 ? byteLevel : { type: 'Sequence', pretokenizers: [...before, byteLevel] };
}

/**
 * The pre-tokenizer with these splits; null if llama.cpp has none. A pattern may contain line ends
 * unescaped.
 */
export function preTokenizerLike(
  wanted: Pick<PreTokenizer, 'splits' | 'ignoresMerges'> & { readonly normalizes: boolean },
): PreTokenizer | null {
  const plain = (splits: readonly string[]) =>
    splits.map((split) => split.replaceAll('\r', '\\r').replaceAll('\n', '\\n')).join('\0');
  const alike = preTokenizers.filter(
    ({ splits, ignoresMerges }) => ignoresMerges === wanted.ignoresMerges && plain(splits) === plain(wanted.splits),
  );
  // llama.cpp normalizes nothing, so both names give the same ids there; the right one brings the normalizer back on import.
  return alike.find(({ normalizer }) => (normalizer !== null) === wanted.normalizes) ?? alike[0] ?? null;
}

/** The splits of a byte-level `pre_tokenizer`; null if it has steps of another kind. */
export function splitsOf(steps: readonly Json[]): readonly string[] | null {
  const last = steps.at(-1);
  if (last?.type !== 'ByteLevel' || last.add_prefix_space === true) return null;
  const splits: string[] = [];
  for (const { type, pattern, behavior, invert, individual_digits } of steps.slice(0, -1)) {
    const regex = type === 'Split' && isRecord(pattern) ? pattern.Regex : null;
    if (type === 'Digits' && individual_digits === true) splits.push('\\p{N}');
    else if (typeof regex === 'string' && behavior === 'Isolated' && invert !== true) splits.push(regex);
    else return null;
  }
  return last.use_regex === false ? splits : [...splits, gpt2];
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}
