/**
 * One comparison: opens its contenders, checks their results, and measures them in the same rounds.
 */
import { checkAll } from './check.ts';
import { type Contender, inThreads } from './contender.ts';
import { type Comparison, type Extent, type Peer, threadCounts } from './extent.ts';
import { type Host, openHost } from './host.ts';
import { attempt, type Journal, part } from './journal.ts';
import {
  type Entry,
  measurementsOf,
  nativeTitle,
  newWllamaTitle,
  onnxTitle,
  openLab,
  openLamella,
  openLlamaCpp,
  openNewWllama,
  openOnnx,
  openWllama,
  titleOf,
  type Work,
  wllamaTitle,
} from './line-up.ts';
import { llamaCppFolder } from './llama-cpp/binding.ts';
import { type ModelFiles, site } from './model-files.ts';
import { patient } from './patience.ts';
import type { Results } from './results.ts';
import { measure } from './rounds.ts';

/** The results of a comparison; `version` and `instructions` are Chromium's. */
export type Compared = Pick<Results, 'stepwise' | 'exactness'> &
  Awaited<ReturnType<typeof measure>> &
  Pick<Host, 'version' | 'instructions'>;

/** Throws if one of our own packages computes wrongly; failures of others go into the journal. */
export async function compare(
  comparison: Comparison,
  extent: Extent,
  files: ModelFiles,
  journal: Journal,
): Promise<Compared> {
  const host = await openHost(site);
  const entries: Entry[] = [];
  try {
    await part(journal, `${comparison.name}: opening`, () =>
      openAll(candidatesOf(comparison, extent, files, host, journal), entries, journal),
    );
    const { version, instructions } = host;
    return { ...(await checkAndMeasure(comparison, extent, files, host, entries, journal)), version, instructions };
  } finally {
    await Promise.allSettled(entries.map(({ contender }) => contender.close()));
    await host.close();
  }
}

/** A contender that may be opened with several numbers of threads. */
interface Candidate {
  readonly title: string;
  readonly works: readonly Work[];
  readonly open: (threads: number) => Promise<Contender>;
}

function candidatesOf(
  { has, peers }: Comparison,
  { variants, peerWorks }: Extent,
  { built, gguf, onnx }: ModelFiles,
  host: Host,
  { failures }: Journal,
): Candidate[] {
  const openPeer: Record<Peer, Candidate['open']> = {
    [wllamaTitle]: (threads) => openWllama(host, gguf, threads),
    [newWllamaTitle]: (threads) => openNewWllama(host, gguf, threads),
    [onnxTitle]: (threads) => openOnnx(host, onnx, threads),
    [nativeTitle]: (threads) => openLlamaCpp(gguf, threads),
  };
  const missing = llamaCppFolder === null && peers.includes(nativeTitle) ? nativeTitle : null;
  if (missing) failures.push({ what: missing, reason: 'its library does not exist for this machine' });
  return [
    ...variants.filter(has).map((variant) => {
      const title = titleOf(variant);
      return { title, works: variant.works, open: (threads: number) => openLamella(host, built.get(title)!, threads) };
    }),
    ...peers
      .filter((peer) => peer !== missing)
      .map((peer) => ({ title: peer, works: peerWorks[peer], open: openPeer[peer] })),
  ];
}

/** Opens each candidate with each number of threads, and adds those that open to `entries`. */
async function openAll(candidates: readonly Candidate[], entries: Entry[], journal: Journal): Promise<void> {
  for (const { title, works, open } of candidates) {
    for (const threads of threadCounts) {
      const contender = await attempt(journal, `${title}, ${inThreads(threads)}, opening`, () => open(threads));
      if (contender) entries.push({ title, threads, works, contender: patient(contender) });
    }
  }
}

async function checkAndMeasure(
  { name, has, bare }: Comparison,
  { rounds, variants, checked }: Extent,
  { built }: ModelFiles,
  host: Host,
  entries: readonly Entry[],
  journal: Journal,
): Promise<Omit<Compared, 'version' | 'instructions'>> {
  const found = await part(journal, `${name}: checking against the oracle`, () =>
    checkAll(entries, built, { checked, variants: variants.filter(has) }, journal),
  );
  const lab = bare === null ? [] : await openLab(host, bare, threadCounts);
  const measured = await part(journal, `${name}: measuring`, () =>
    measure([...entries.flatMap(measurementsOf), ...lab], rounds, (round) =>
      journal.say(`${name}: round ${round + 1} of ${rounds}`),
    ),
  );
  return { ...found, ...measured };
}
