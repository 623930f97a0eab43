/** The formats by name. */
import type { FormatName, KvStorage } from '../program/ir.ts';
import { floats } from './floats.ts';
import type { Format } from './format.ts';
import type { KvFormat } from './kv.ts';
import { kvFloats } from './kv-floats.ts';
import { kvQ8 } from './kv-q8.ts';
import { q4Format } from './q4.ts';
import { q8Format } from './q8.ts';

export const formats: Readonly<Record<FormatName, Format>> = {
  f32: floats('f32'),
  f16: floats('f16'),
  q8: q8Format,
  q4: q4Format,
};
export const kvFormats: Readonly<Record<KvStorage, KvFormat>> = {
  f32: kvFloats('f32'),
  f16: kvFloats('f16'),
  q8: kvQ8,
};
