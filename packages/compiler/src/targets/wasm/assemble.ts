/** WAT to bytes, by wabt: small, and it runs in a page, too. */
import wabt from 'wabt';

/** Assembles and validates a module. A rejected module is a defect of the compiler, so the error is wabt's own. */
export async function assemble(wat: string): Promise<Uint8Array> {
  const tool = await wabt();
  const module = tool.parseWat('model.wat', wat, { simd: true, relaxed_simd: true });
  try {
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
