/** WAT to bytes, by wabt: small, and it runs in a page, too. */
import wabt from 'wabt';

const features = { simd: true, relaxed_simd: true, threads: true };

/** Assembles and validates a module. A rejected module is a defect of the compiler, so the error is wabt's own. */
export async function assemble(wat: string): Promise<Uint8Array> {
  const tool = await wabt();
  const module = tool.parseWat('model.wat', wat, features);
  try {
    // wabt's types leave out that it takes the features again
    const { validate } = module as { validate(allowed: typeof features): void };
    validate.call(module, features);
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
