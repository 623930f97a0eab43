/**
 * The extent of a run: which packages are measured with which work, how often, and which contenders
 * are open at the same time. `quick` tries everything in minutes; the published results are from
 * `full`.
 */
import { nativeTitle, newWllamaTitle, onnxTitle, type Work, wllamaTitle } from './line-up.ts';
import type { Model, Variant } from './models.ts';
import { works } from './targets.ts';

export interface Extent {
  readonly rounds: number;
  /** Starts of a fresh browser for each contender, and of the compiler. */
  readonly loads: number;
  /** Models whose contenders are compared with the oracle. */
  readonly checked: readonly Model[];
  readonly variants: readonly (Variant & { readonly works: readonly Work[] })[];
  readonly peerWorks: Readonly<Record<Peer, readonly Work[]>>;
}

export type Peer = typeof wllamaTitle | typeof newWllamaTitle | typeof onnxTitle | typeof nativeTitle;

export const threadCounts = [1, 2] as const;

const decode: Work = { name: works.decode, prompt: 16, tokens: 128 };
const prefill: Work = { name: works.prefill, prompt: 512, tokens: 0 };
const long: Work = { name: works.long, prompt: 896, tokens: 128 };
const few: Work = { name: works.few, prompt: 16, tokens: 32 };
const shortPrefill: Work = { name: 'prefill 128', prompt: 128, tokens: 0 };

/** The package that is loaded in fresh browsers, in turn with its peers. */
export const loadedVariant: Variant = { model: '125m', quant: 'q4', kv: 'f32' };

const core: Extent['variants'] = [
  { ...loadedVariant, works: [decode, prefill, long] },
  { model: '125m', quant: 'q8', kv: 'f32', works: [decode, prefill] },
  { model: '125m-ls', quant: 'q4', kv: 'f32', works: [decode] },
  { model: '125m-ls', quant: 'q8', kv: 'f32', works: [decode] },
  { model: '125m-60', quant: 'q4', kv: 'f32', works: [decode] },
  { model: '125m-60', quant: 'q8', kv: 'f32', works: [decode] },
  { model: '125m', quant: 'q4', kv: 'q8', works: [decode, prefill, long] },
];

export const extents: Readonly<Record<'quick' | 'full', Extent>> = {
  quick: {
    rounds: 2,
    loads: 1,
    checked: ['125m'],
    variants: core.filter(({ model, quant }) => model === '125m' || quant === 'q4'),
    peerWorks: {
      [wllamaTitle]: [decode],
      [newWllamaTitle]: [few],
      [onnxTitle]: [decode, prefill],
      [nativeTitle]: [decode, prefill],
    },
  },
  full: {
    rounds: 3,
    loads: 3,
    checked: ['125m', '125m-ls'],
    variants: [
      ...core,
      { model: '125m', quant: 'q8', kv: 'q8', works: [decode, prefill] },
      { model: '125m-ls', quant: 'q4', kv: 'q8', works: [decode] },
      { model: '125m-ls', quant: 'q8', kv: 'q8', works: [decode] },
      { model: '350m-ls', quant: 'q4', kv: 'f32', works: [few] },
      { model: '600m', quant: 'q4', kv: 'f32', works: [few] },
      { model: '1b', quant: 'q4', kv: 'f32', works: [few] },
    ],
    peerWorks: {
      [wllamaTitle]: [decode, shortPrefill],
      [newWllamaTitle]: [few, shortPrefill],
      [onnxTitle]: [decode, prefill],
      [nativeTitle]: [decode, prefill],
    },
  },
};

/**
 * Contenders that are open at the same time, in the same rounds. All forty together took 19 of 24
 * GB.
 */
export interface Comparison {
  readonly name: string;
  has(variant: Variant): boolean;
  readonly peers: readonly Peer[];
  /** Format of the bare kernels; null for none. */
  readonly bare: 'q4' | 'q8' | null;
}

const small = ({ model }: Variant) => model.startsWith('125m');

export const comparisons: readonly Comparison[] = [
  {
    name: 'q4',
    has: (v) => small(v) && v.quant === 'q4',
    peers: [wllamaTitle, newWllamaTitle, nativeTitle],
    bare: 'q4',
  },
  { name: 'q8', has: (v) => small(v) && v.quant === 'q8', peers: [onnxTitle], bare: 'q8' },
  { name: 'larger models', has: (v) => !small(v), peers: [], bare: null },
];
