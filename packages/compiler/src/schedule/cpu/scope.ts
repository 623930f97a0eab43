/**
 * What CPU schedules need in addition to `KernelScope`: the division of tokens and features among
 * threads, and buffers that depend on the engine's features.
 */
import type { Format } from '../../formats/format.ts';
import { formats } from '../../formats/table.ts';
import type { Builder, Index } from '../../loops/build.ts';
import type { Expr, KernelBuffer } from '../../loops/ir.ts';
import type { Features } from '../../loops/types.ts';
import type { Plan } from '../../plan/plan.ts';
import type { BufferId, Kind } from '../../program/ir.ts';
import { type Pack, type PackId, packRows, packShape } from '../../program/packs.ts';
import { KernelScope, type Lowering, partName } from '../scope.ts';

/**
 * Builds one kernel for a CPU. Threads share the tokens of a tile; a thread holds `tokensAtOnce` of
 * them in registers.
 */
export class CpuScope extends KernelScope {
  readonly features: Features;

  constructor(plan: Plan, kind: Kind, lowering: Lowering, features: Features = new Set()) {
    super(plan, kind, lowering);
    this.features = features;
  }

  /**
   * Tokens held in registers together. Each loaded weight is used for all of them; a CPU has
   * sixteen vector registers.
   */
  tokensAtOnce(format: Format, streams: number): number {
    return this.lowering === 'decode' || format.integer || streams > 1 ? 1 : 2;
  }

  /**
   * Runs the body for the first token of every group of `step` tokens; `grid` lets threads share
   * the groups.
   */
  eachToken(
    b: Builder,
    step: number,
    body: (b: Builder, token: Index) => void,
    tag: 'serial' | 'grid' = 'serial',
  ): void {
    if (this.lowering === 'decode') body(b, 0);
    else b.loop(tag, 't', { to: this.scalar('count'), step }, body);
  }

  /**
   * Runs the body for every feature of every token. Threads share the tokens of a tile, or the
   * features of a single token.
   */
  eachFeatureOfToken(
    width: number,
    prepare: (b: Builder, token: Index) => (b: Builder, feature: Expr, type: 'f32' | 'f32x4') => void,
  ): void {
    const tag = this.lowering === 'decode' ? 'grid' : 'serial';
    this.eachToken(this.b, 1, (b, token) => eachFeature(b, 0, width, prepare(b, token), tag), 'grid');
  }

  /**
   * The row of scratch that only this thread uses for `token`: in a tile the token's row, otherwise
   * the thread's row.
   */
  ownRow(token: Index): Index {
    return this.lowering === 'prefill' ? token : this.ownThread();
  }

  /** The number of the current thread. */
  ownThread(): Index {
    return this.features.has('threads') ? this.scalar('thread') : 0;
  }

  /** A buffer of codes, read eight at a time. */
  codes(id: BufferId): KernelBuffer {
    const { name, width, rows } = this.plan.program.buffers[id]!;
    return this.use({
      name,
      element: 'i8',
      address: { kind: 'memory', offset: this.plan.bufferAddress[id]! },
      length: rows * width,
      access: 'read',
      note: `[${rows}, ${width}] int8`,
    });
  }

  /**
   * Interleaved matrices as one: of every `ids.length` stored blocks, block s belongs to matrix s. Null
   * where each matrix is stored separately.
   */
  interleavedMatrices(ids: readonly PackId[]): ReturnType<KernelScope['matrix']> | null {
    const packs = ids.map((id) => this.kind.packs[id]!);
    const [{ format: name, group, offset, ...first }] = packs as [Pack, ...Pack[]];
    const format = formats[name];
    const pitch = format.storedBytes(packShape(packs[0]!));
    if (ids.length === 1 || first.pitch === pitch) return null;
    const shape = { ...packShape(packs[0]!), pitch };
    const rows = packs.reduce((sum, pack) => sum + packRows(pack), 0);
    const names = packs.map((pack) => partName(this.kind, pack)).join('+');
    const views = format.views(names, { kind: 'weights', group, offset }, rows, shape);
    return { format, views: views.map((v) => this.use(v)), shape };
  }
}

/**
 * Runs `body` over features [from, to); `from` is a multiple of 4. Four features at a time, then
 * the rest one by one.
 */
export function eachFeature(
  b: Builder,
  from: number,
  to: number,
  body: (b: Builder, feature: Expr, type: 'f32' | 'f32x4') => void,
  tag: 'serial' | 'grid' = 'serial',
): void {
  const whole = to - (to % 4);
  if (from < whole) b.loop(tag, 'i', { from, to: whole, step: 4 }, (inner, i) => body(inner, i, 'f32x4'));
  if (whole < to) b.loop(tag, 'i', { from: whole, to }, (inner, i) => body(inner, i, 'f32'));
}
