/** Runs `create-lamella` as a child process, like `npm create lamella`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const tsx = import.meta.resolve('tsx');

/** The user agent of each package manager, which it passes to its children. */
export const agents = {
  npm: 'npm/11.19.1 node/v20.20.2 linux x64 workspaces/false',
  pnpm: 'pnpm/12.21.0 npm/? node/? linux x64',
  yarn: 'yarn/1.22.22 npm/? node/v20.20.2 linux x64',
  'modern-yarn': 'yarn/4.18.1 npm/? node/v20.20.2 linux x64',
  bun: 'bun/1.4.5 npm/? node/v26.3.0 linux x64',
} as const;

export function create(cwd: string, words: readonly string[], agent: string = agents.npm) {
  const env = { ...process.env, npm_config_user_agent: agent };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', tsx, main, ...words], {
    cwd,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}
