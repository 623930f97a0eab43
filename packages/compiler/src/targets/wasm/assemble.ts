/**
 * Assembles WAT with wabt, which is small and runs in a page as well. It is loaded on first use, so
 * checking a graph does not need it.
 */
import type wabt from 'wabt';

const features = { simd: true, relaxed_simd: true, threads: true };

/**
 * One instance for all modules: the first module takes five times as long as the next ones, for
 * which wabt's own code is compiled and its memory has grown.
 */
let tool: ReturnType<typeof wabt> | undefined;

/**
 * Assembles and validates a module. A rejected module is a defect of the compiler, so the error is
 * wabt's own.
 */
export async function assemble(wat: string): Promise<Uint8Array> {
  tool ??= import('wabt').then((assembler) => assembler.default());
  const module = (await tool).parseWat('model.wat', new TextEncoder().encode(wat), features);
  try {
    // wabt's type declarations omit the features parameter of `validate`
    const { validate } = module as { validate(allowed: typeof features): void };
    validate.call(module, features);
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
