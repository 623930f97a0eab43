/** WAT to bytes, by wabt: small, and it runs in a page, too. It is loaded when something is assembled: checking a graph needs none of it. */
import type wabt from 'wabt';

const features = { simd: true, relaxed_simd: true, threads: true };

/** One for all modules: the first takes five times as long as the next, which finds its code compiled and its memory grown. */
let tool: ReturnType<typeof wabt> | undefined;

/** Assembles and validates a module. A rejected module is a defect of the compiler, so the error is wabt's own. */
export async function assemble(wat: string): Promise<Uint8Array> {
  tool ??= import('wabt').then((assembler) => assembler.default());
  const module = (await tool).parseWat('model.wat', new TextEncoder().encode(wat), features);
  try {
    // wabt's types leave out that it takes the features again
    const { validate } = module as { validate(allowed: typeof features): void };
    validate.call(module, features);
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
