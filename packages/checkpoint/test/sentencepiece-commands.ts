/**
 * SentencePiece itself, as packaged by Debian (`sentencepiece`): the reference of these tests.
 * Installed through apt where that is possible.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Makes `spm_train` and `spm_encode` available; if that is impossible, throws with instructions.
 */
export function installSentencePiece(): void {
  const found = (process.env.PATH ?? '').split(':').some((folder) => existsSync(path.join(folder, 'spm_encode')));
  if (found) return;
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    throw new Error('spm_encode is not installed. Install the package sentencepiece: apt-get install sentencepiece');
  }
  const options = { stdio: 'pipe', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  execFileSync('apt-get', ['update', '-q'], options);
  execFileSync('apt-get', ['install', '-y', '-q', 'sentencepiece'], options);
}

/**
 * The content of a `tokenizer.model` trained on `lines` with LLaMA's settings, except for the
 * character coverage: it is lower, so that rare characters of a small corpus use the byte fallback.
 */
export async function trainBpe(lines: readonly string[], vocab: number, ...more: string[]): Promise<Uint8Array> {
  return inFolder(async (folder) => {
    await writeFile(path.join(folder, 'corpus.txt'), `${lines.join('\n')}\n`);
    execFileSync(
      'spm_train',
      [
        '--input=corpus.txt',
        '--model_prefix=m',
        `--vocab_size=${vocab}`,
        '--model_type=bpe',
        '--byte_fallback=true',
        '--character_coverage=0.998',
        '--split_digits=true',
        '--allow_whitespace_only_pieces=true',
        '--normalization_rule_name=identity',
        '--remove_extra_whitespaces=false',
        '--num_threads=1',
        '--minloglevel=2',
        ...more,
      ],
      { cwd: folder, stdio: 'pipe' },
    );
    return readFile(path.join(folder, 'm.model'));
  });
}

/** Token ids of each line, from `spm_encode`. */
export async function spmEncode(model: Uint8Array, lines: readonly string[]): Promise<number[][]> {
  return inFolder(async (folder) => {
    await writeFile(path.join(folder, 'm.model'), model);
    await writeFile(path.join(folder, 'lines.txt'), `${lines.join('\n')}\n`);
    const encoded = execFileSync('spm_encode', ['--model=m.model', '--output_format=id', 'lines.txt'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: 'pipe',
    });
    const rows = encoded.split('\n').slice(0, -1);
    if (rows.length !== lines.length) throw new Error(`spm_encode gave ${rows.length} rows for ${lines.length} lines`);
    return rows.map((row) => row.split(' ').filter(Boolean).map(Number));
  });
}

/** Text of each row of token ids, from `spm_decode`. */
export async function spmDecode(model: Uint8Array, rows: readonly (readonly number[])[]): Promise<string[]> {
  return inFolder(async (folder) => {
    await writeFile(path.join(folder, 'm.model'), model);
    await writeFile(path.join(folder, 'ids.txt'), `${rows.map((row) => row.join(' ')).join('\n')}\n`);
    const decoded = execFileSync('spm_decode', ['--model=m.model', '--input_format=id', 'ids.txt'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: 'pipe',
    });
    return decoded.split('\n').slice(0, -1);
  });
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lamella-spm-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
