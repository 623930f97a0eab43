/**
 * Counts the instructions that V8's optimising compiler makes of a kernel's innermost loop, from the
 * code that it prints itself.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A loop over a pair of groups of 16 rows. */
export interface Loop {
  readonly instructions: number;
  /** Instructions by name. */
  readonly count: ReadonlyMap<string, number>;
}

/**
 * The innermost loops without calls of all functions of `file`, compiled by `node` for Arm: what is
 * between the target of a backward branch and that branch.
 */
export async function loopsOf(file: string, [program, ...first]: readonly [string, ...string[]]): Promise<Loop[]> {
  const flags = ['--print-wasm-code', '--no-liftoff', '--no-wasm-lazy-compilation'];
  const script = `new WebAssembly.Module(require('fs').readFileSync(${JSON.stringify(file)}))`;
  const { stdout } = await promisify(execFile)(program, [...first, ...flags, '-e', script], { maxBuffer: 1 << 30 });
  return stdout.split('--- WebAssembly code ---').slice(1).flatMap(loopsIn);
}

function loopsIn(code: string): Loop[] {
  const lines = [...code.matchAll(/^0x(\w+)\s+\w+\s+\w+\s+(.*)$/gm)].map(([, at, text]) => ({
    at: Number.parseInt(at!, 16),
    text: text!,
  }));
  const ranges = lines.flatMap(({ at, text }) => {
    const target = /^(?:b|b\.\w+|cbn?z|tbn?z) .*addr 0x(\w+)/.exec(text)?.[1];
    const from = target === undefined ? at : Number.parseInt(target, 16);
    return from < at ? [{ from, to: at }] : [];
  });
  return ranges
    .filter((outer) => !ranges.some((inner) => inner !== outer && inner.from >= outer.from && inner.to <= outer.to))
    .map(({ from, to }) => {
      const names = lines.filter(({ at }) => at >= from && at <= to).map(({ text }) => text.split(/\s/, 1)[0]!);
      const count = new Map<string, number>();
      for (const name of names) count.set(name, (count.get(name) ?? 0) + 1);
      return { instructions: names.length, count };
    })
    .filter(({ count }) => !count.has('bl') && !count.has('blr'));
}
