/**
 * Names that are valid in a WGSL shader: letters, digits and underscores, but no keyword, reserved
 * word or built-in function.
 */

const taken = new Set(
  `alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop override
  requires return struct switch true var while bool i32 u32 f32 f16 vec2 vec3 vec4 array atomic ptr main wg lane0 signedByte byteAt bytesOf
  NULL Self abstract active as asm async attribute auto await become binding_array cast catch class coherent common compile concept crate
  debugger decltype delete demote do dynamic_cast enum explicit export extends extern external fallthrough filter final finally friend from
  get goto groupshared highp impl implements import inline instanceof interface layout lowp macro match mediump meta mod module move mut
  mutable namespace new nil noexcept noinline null nullptr of operator package packoffset partial pass patch precise precision premerge priv
  protected pub public readonly ref regardless register require resource restrict self set shared sizeof smooth snorm static std subroutine
  super target template this throw trait try type typedef typeid typename typeof union unless unorm unsafe unsized use using varying virtual
  volatile wgsl where with writeonly yield abs all any ceil clamp cos cross dot exp exp2 floor fma fract length log log2 max min mix
  normalize pow round select sign sin sqrt step tan transpose trunc bitcast position count row block workgroup uniform storage`
    .split(/\s+/)
    .filter(Boolean),
);

/** Gives every name of a kernel a unique name in the shader. */
export class ShaderNames {
  readonly #given = new Map<string, string>();
  readonly #used: Set<string>;

  constructor(fixed: Iterable<string>) {
    this.#used = new Set([...taken, ...fixed]);
  }

  of(name: string): string {
    const known = this.#given.get(name);
    if (known) return known;
    const base = name.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_+|_+$/g, '');
    let fresh = base;
    for (let n = 1; this.#used.has(fresh); n++) fresh = `${base}_${n}`;
    this.#used.add(fresh);
    this.#given.set(name, fresh);
    return fresh;
  }

  /** Reserves a name that is printed unchanged. */
  keep(name: string): void {
    this.#given.set(name, name);
  }
}
