/**
 * Solves the figures of kernels from the times of probes. A token takes
 *
 *   a constant + calls * (time of a call) + weights * (time of a byte) + keys and values * (time of one)
 *
 * A late position against an early one gives the time of keys and values; few calls, many calls and
 * many bytes give the other three; larger working sets give the time of a byte from there.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { KernelProfile, ReadSpeed } from '../contract.ts';

/** What was measured with a probe, and the work that it did. Times are microseconds of a token. */
export interface Timing {
  readonly calls: number;
  /** Bytes of weights of a token, and their products. */
  readonly bytes: number;
  readonly macs: number;
  readonly workingSetBytes: number;
  /** Early in the context, with the bytes of keys and values there. */
  readonly tokenUs: number;
  readonly stateBytes: number;
  /** Of a prompt. */
  readonly promptUs: number;
  readonly loadMs: number;
  /** Bytes of all weights. */
  readonly weightBytes: number;
}

/** With a second time, late in the context. */
export interface TwoTimings extends Timing {
  readonly late: Pick<Timing, 'tokenUs' | 'stateBytes'>;
}

export interface Timings {
  readonly one: Timing;
  readonly calls: TwoTimings;
  /** By working set, smallest first. */
  readonly blocks: readonly [TwoTimings, ...Timing[]];
}

type Figures = Omit<KernelProfile, 'target' | 'threads' | 'quant' | 'kernels'>;

/**
 * The figures of `quant`. Throws L316 if no figures explain the times, as when other work has
 * slowed some of them down.
 */
export function figuresOf({ one, calls, blocks }: Timings, quant: string): Figures {
  const [first] = blocks;
  const stateUs = stateUsOf(first);
  // Narrow heads read a byte in another time than wide ones.
  const narrowUs = stateUsOf(calls);
  const own = (of: Timing) => of.tokenUs - of.stateBytes * (of === one || of === calls ? narrowUs : stateUs);
  const than = (of: Timing) => [of.calls - one.calls, of.bytes - one.bytes, own(of) - own(one)] as const;
  const decode = solved(than(calls), than(first));
  const tokenUs = Math.max(0, own(one) - one.calls * decode.call - one.bytes * decode.byte);
  const prompt = solved([calls.calls, calls.bytes, calls.promptUs], [first.calls, first.bytes, first.promptUs]);
  const larger = blocks.slice(1).map((of) => (own(of) - tokenUs - of.calls * decode.call) / of.bytes);
  const usPerByte = [decode.byte, ...larger];
  if (![prompt.byte, ...usPerByte].every((us) => Number.isFinite(us) && us > 0)) {
    throw new LamellaError('L316', { what: quant });
  }
  const last = blocks.at(-1)!;
  const loadMsPerByte = Math.max(0, last.loadMs - first.loadMs) / Math.max(1, last.weightBytes - first.weightBytes);
  const macsPerByte = first.macs / first.bytes;
  return {
    decodeGmacs: macsPerByte / decode.byte / 1e3,
    prefillGmacs: macsPerByte / prompt.byte / 1e3,
    weights: blocks.map(
      ({ workingSetBytes }, i): ReadSpeed => ({ workingSetBytes, gbPerSecond: 1e-3 / usPerByte[i]! }),
    ),
    ...(stateUs > 0 && { stateGbPerSecond: 1e-3 / stateUs }),
    dispatchUs: decode.call,
    prefillDispatchUs: prompt.call,
    tokenUs,
    loadMs: Math.max(0, first.loadMs - loadMsPerByte * first.weightBytes),
    ...(loadMsPerByte > 0 && { loadGbPerSecond: 1e-6 / loadMsPerByte }),
  };
}

/** Microseconds of a byte of keys and values. */
function stateUsOf({ tokenUs, stateBytes, late }: TwoTimings): number {
  return Math.max(0, late.tokenUs - tokenUs) / (late.stateBytes - stateBytes);
}

/** Calls, bytes and microseconds. */
type Equation = readonly [number, number, number];

/**
 * Solves calls * call + bytes * byte = us for two equations. A call takes no negative time: if
 * noise says so, the bytes have taken all of it.
 */
function solved([c1, b1, t1]: Equation, [c2, b2, t2]: Equation): { readonly call: number; readonly byte: number } {
  const call = Math.max(0, (t1 * b2 - t2 * b1) / (c1 * b2 - c2 * b1));
  return { call, byte: (t2 - c2 * call) / b2 };
}
