/**
 * `npm run sync`: puts the assistant's build, with its package, into the native projects. They are made by Capacitor where they are not there
 * yet, from its own templates, so none of them is kept here.
 */
import { existsSync } from 'node:fs';
import { capacitor } from './capacitor.ts';

for (const platform of ['android', 'ios']) capacitor(existsSync(`native/${platform}`) ? 'sync' : 'add', platform);
