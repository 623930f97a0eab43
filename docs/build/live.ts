/**
 * Copies the built assistant and studio to a folder whose files VitePress adds to the site, below
 * /live/. Both are static folders for any path.
 */
import { cp, rm } from 'node:fs/promises';

const root = new URL('../../', import.meta.url);
const live = new URL('docs/.vitepress/.cache/public/live/', root);

await rm(live, { recursive: true, force: true });
for (const app of ['assistant', 'studio']) {
  await cp(new URL(`apps/${app}/dist/`, root), new URL(`${app}/`, live), { recursive: true });
}
