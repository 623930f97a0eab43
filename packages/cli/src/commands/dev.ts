/** `lamella dev`: the studio on a graph file, live in both directions, until Ctrl-C. */
import type { Command } from 'commander';
import { openGraph } from '../dev/graph-on-disk.ts';
import { openBrowser } from '../dev/open-browser.ts';
import { studioFolder } from '../dev/studio-folder.ts';
import { serveStudio } from '../dev/studio-server.ts';

export function define(command: Command): void {
  command
    .option(
      '--weights <SOURCE>',
      'run it in the page with these: a checkpoint folder, a .safetensors or .gguf file, or random:SEED',
    )
    .addHelpText(
      'after',
      `
The page shows the graph in an editor, with its faults, pictures and kernels. An edit in the page is written to the
file, and an edit of the file, or of a file that it imports, appears in the page. If both have changed, nothing is
written until you choose in the page. The server listens on 127.0.0.1 only, on a free port, and prints its address,
which is secret; on a desktop it also opens a browser. Only this file can be written. Ctrl-C ends it.`,
    )
    .action(dev);
}

/**
 * Serves until the process gets a signal to end. Throws L302 and L113 for a file that is not a
 * graph file, L307 if the studio is missing.
 */
export async function dev(file: string, { weights = null }: { readonly weights?: string | null }): Promise<void> {
  const onDisk = await openGraph(file, weights);
  const site = await serveStudio(await studioFolder(), onDisk);
  process.stderr.write(`listening on ${site.address}\n${onDisk.graph.path} is open there; Ctrl-C ends it\n`);
  openBrowser(site.address);
  await new Promise((end) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  });
  onDisk.close();
  await site.close();
}
