/**
 * Reads a file of `lamella profile`, or a known phone by its name. Every figure is checked, since a
 * prediction from a wrong one would look like any other.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { DeviceProfile } from '../contract.ts';
import { readTextIfThere } from '../files.ts';
import { faultOf, PROFILE } from './fault.ts';
import { phones } from './phones.ts';

/** Throws L302 for anything else than a profile. */
export async function readProfile(path: string): Promise<DeviceProfile> {
  const known = phones[path];
  if (known) return known;
  const refuse = (reason: string): never => {
    const remedy = `a file that lamella profile --out FILE wrote, or ${Object.keys(phones).join(' or ')}`;
    throw new LamellaError('L302', { path, reason, remedy });
  };
  const text = (await readTextIfThere(path)) ?? refuse('there is no such file');
  const fault = faultOf(parsed(text));
  if (fault !== null) refuse(fault);
  return JSON.parse(text) as DeviceProfile;
}

/** Whether a file that begins like this is a profile, which `--out` may replace. */
export function isProfile(beginning: string): boolean {
  return beginning.includes(`"format": "${PROFILE}"`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
