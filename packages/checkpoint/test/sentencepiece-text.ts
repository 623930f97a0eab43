/**
 * Lines for comparing a tokenizer with SentencePiece: sentences, code, many scripts, emoji, control
 * characters, odd spaces and any code point, also mixed on one line. Made from a seed, so that a
 * seed gives the same lines everywhere.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

const words =
  'the a of to and in that it is was for on are as with his they at be this from have or by one had not but what all were when we there can an your which their said if do will each about how up out them then she many some so these would other into has more her two like him see time could no make than first been its who now people my made over did down only way find use may water long little very after words called just where most know lead compiler tokenizer transformer quantised unbelievably';
const scripts = [
  'Größe Straße Öl über façade naïve coöperate São Łódź Čapek İstanbul ﬁne ﬂow Å e\u0301 n\u0303',
  '深く薄い モデル は 速い です 中文 分词 器 人工智能 漢字 한국어 토크나이저',
  'النموذج العميق لغة عربية مُدَوَّنَة ١٢٣ שלום עולם नमस्ते दुनिया ไทย ภาษา',
  'глубокий тонкий трансформер Ελληνικά γλώσσα հայերեն ქართული',
  '½ ² ™ € £ ¥ → ≠ ∑ ∀x∈ℝ “quoted” ‘it’ … – — • ☃ ♥ ✓ 𝒜 𝔘 𐍈 𠜎',
];
const emoji = ['😀', '👍🏽', '👩‍👩‍👧‍👦', '🇩🇪', '❤️', '🏴‍☠️', '🤷🏾‍♀️', '1️⃣', '🫠', '☺'];
const code = [
  'export function softmax(x: Float32Array, n = x.length): void {',
  '\tfor (let i = 0; i < n; i++) x[i]! /= sum; // normalise',
  "    return a ? `$b:{c}` + (c ?? '') : null;",
  'def forward(self, x): return self.w2(F.silu(self.w1(x)) * self.w3(x))',
  '#include <stdint.h> int main(void){return 0x7F&~(1<<3);}',
  'SELECT id, name FROM t WHERE x >= 1.5e-3 AND y IN (1,2,3);',
  '<div class="a-b__c" data-x=\'{"k":[1,2]}\'>&nbsp;</div>',
  '$ grep -rn "^\\s*import" src/ | sort -u >> out.txt 2>&1',
  'if (a && !b || c !== d) { throw new Error(`L207: {reason}`); }',
];
/** Text that looks like special pieces of the vocabulary and must be treated as text. */
const looksSpecial = ['<s>', '</s>', '<unk>', '<0x41>', '<0x0A>', '▁', '▁▁the', 'the▁a', '<pad>', '[INST]', ' ⁇ '];
const spaces = [
  ' ',
  '  ',
  '   ',
  '    ',
  '        ',
  '\t',
  '\t\t',
  '\u00a0',
  '\u3000',
  '\u200b',
  '\r',
  '\u2028',
  '\ufeff',
];

/** Whole numbers from 0 to below `n`, evenly; mulberry32. */
export function randomFrom(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

/** `count` lines without a line feed, none empty. */
export function mixedLines(seed: number, count: number): string[] {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const some = (most: number, make: () => string, between = ''): string =>
    Array.from({ length: 1 + random(most) }, make).join(between);
  const list = words.split(' ');

  const sentence = (): string => {
    const text = some(12, () => pick(list), ' ');
    return text[0]!.toUpperCase() + text.slice(1) + pick(['.', '?', '!', ',', ';', '...', ' -']);
  };
  const number = (): string => some(3, () => `${random(10 ** (1 + random(6)))}`, pick([' ', ',', '.', ':', '/', '-']));
  const codePoint = (): string => {
    const point = pick([random(0x300), random(0x3000), random(0x10000), random(0x110000)]);
    return point === 10 || (point >= 0xd800 && point < 0xe000) ? '?' : String.fromCodePoint(point);
  };
  /** C0 without the line feed, DEL and C1. */
  const control = (): string => {
    const point = pick([random(32), 127 + random(33)]);
    return point === 10 ? '\v' : String.fromCodePoint(point);
  };
  const runs = (): string =>
    pick(['a', 'ab', '=', '-', 'the', ' ', '0', '(', 'あ', '😀', 'lol']).repeat(1 + random(24));
  const parts: readonly (() => string)[] = [
    sentence,
    sentence,
    number,
    () => pick(code),
    () => pick(code).slice(random(20)),
    () => pick(pick(scripts).split(' ')),
    () => pick(scripts),
    () => some(4, () => pick(emoji)),
    () => some(6, codePoint),
    () => some(4, control),
    () => pick(looksSpecial),
    () => pick(spaces),
    runs,
  ];
  const line = (): string => {
    const text = some(5, () => pick(parts)(), pick(['', ' ', ' ', '  ']));
    return pick([text, text, text, ` ${text}`, `${text} `, `    ${text}`, `\t${text}`]);
  };
  return Array.from({ length: count }, line);
}

/** The non-empty lines of this repository's own TypeScript and Markdown. */
export async function sourceLines(): Promise<string[]> {
  const root = new URL('../../../', import.meta.url);
  const listed = execFileSync('git', ['ls-files', '-z', '*.ts', '*.md'], { cwd: root, encoding: 'utf8' });
  const files = listed.split('\0').filter((file) => file !== '' && existsSync(new URL(file, root)));
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, root), 'utf8')));
  return texts.flatMap((text) => text.split('\n')).filter((line) => line !== '');
}
