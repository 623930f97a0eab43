/**
 * `npm run sync`: copies the assistant's build, with its package, into the native projects.
 * Capacitor creates missing projects from its own templates, so none is kept in the repository.
 */
import { existsSync } from 'node:fs';
import { capacitor } from './capacitor.ts';

for (const platform of ['android', 'ios']) capacitor(existsSync(`native/${platform}`) ? 'sync' : 'add', platform);
