/** The formats by name. */
import type { FormatName, KvName } from '../program/ir.ts';
import { f32Format } from './f32.ts';
import type { Format } from './format.ts';
import type { KvFormat } from './kv.ts';
import { kvF32 } from './kv-f32.ts';
import { kvQ8 } from './kv-q8.ts';
import { q4Format } from './q4.ts';
import { q8Format } from './q8.ts';

export const formats: Readonly<Record<FormatName, Format>> = { f32: f32Format, q8: q8Format, q4: q4Format };
export const kvFormats: Readonly<Record<KvName, KvFormat>> = { f32: kvF32, q8: kvQ8 };
