/** Checks a value that should be a profile: each figure, and the order of the working sets. */
import { formatNames, targets } from '@lamella/runtime/choices';
import type { DeviceProfile } from '../contract.ts';

/** The member `format` of a profile. */
export const PROFILE = 'lamella-profile/1' satisfies DeviceProfile['format'];

type Check = (value: unknown) => boolean;

const positive: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value > 0;
const notNegative: Check = (value) => value === 0 || positive(value);
const text: Check = (value) => typeof value === 'string';
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const shaped =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([name, check]) => check(Reflect.get(value, name)));
const listOf =
  (check: Check, least = 1): Check =>
  (value) =>
    Array.isArray(value) && value.length >= least && value.every(check);
const oneOf =
  (names: readonly unknown[]): Check =>
  (value) =>
    names.includes(value);

const speeds = shaped({ workingSetBytes: positive, gbPerSecond: positive });
/** Working sets ascend: a prediction looks for the first that is large enough. */
const ascending: Check = (value) =>
  listOf(speeds)(value) &&
  (value as DeviceProfile['reads']).every(
    ({ workingSetBytes }, i, all) => i === 0 || workingSetBytes > all[i - 1]!.workingSetBytes,
  );

const kernels = shaped({
  target: oneOf(targets),
  threads: positive,
  quant: oneOf(formatNames),
  kernels: text,
  decodeGmacs: positive,
  prefillGmacs: optional(positive),
  weights: ascending,
  stateGbPerSecond: optional(positive),
  dispatchUs: optional(notNegative),
  barrierUs: optional(notNegative),
  prefillDispatchUs: optional(notNegative),
  tokenUs: optional(notNegative),
  loadMs: optional(notNegative),
  loadGbPerSecond: optional(positive),
});

const members: Readonly<Record<keyof DeviceProfile, Check>> = {
  format: oneOf([PROFILE]),
  device: text,
  engine: text,
  cores: optional(positive),
  fastMemoryBytes: optional(positive),
  threads: positive,
  reads: (value) => listOf(speeds, 0)(value),
  kernels: listOf(kernels),
  sources: optional(listOf(text)),
  published: optional(listOf(shaped({ parameters: positive, executions: positive, decodeMs: positive }))),
};

/** What is wrong with a value that should be a profile; null for a profile. */
export function faultOf(value: unknown): string | null {
  if (!shaped({ format: members.format })(value)) return `it is not JSON with format ${PROFILE}`;
  const wrong = Object.entries(members).find(([name, check]) => !check(Reflect.get(Object(value), name)));
  return wrong ? `its ${wrong[0]} are missing or out of range` : null;
}
