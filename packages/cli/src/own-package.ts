/** The package.json of this package: in a checkout its source, else what npm installed. */
import { readFileSync } from 'node:fs';

interface OwnPackage {
  readonly version: string;
  /** Changes with every change of Lamella's code. A checkout has none: its sources may change at any time. */
  readonly build?: string;
}

export const { version, build }: OwnPackage = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
