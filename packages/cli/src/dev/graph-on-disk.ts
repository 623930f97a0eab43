/**
 * A graph file that an editor and a page change at the same time. Each change on disk gives it a
 * new revision; a write replaces only the revision that it was made from, so neither side
 * overwrites an edit that it has not seen.
 */
import { existsSync, readFileSync, realpathSync, unwatchFile, watchFile } from 'node:fs';
import { resolve } from 'node:path';
import type { LiveGraph, WriteAnswer } from '@lamella/dsl/live';
import { fromWorkingFolder } from '@lamella/dsl/site';
import { LamellaError } from '@lamella/graph/diagnostics';
import { readFileIfThere, writePieces } from '../files.ts';
import { requireGraphFile } from '../model/load-graph.ts';
import { authorFiles } from './author-files.ts';

/**
 * Milliseconds between two looks at a file's time and size. Notifications of the system are faster,
 * but do not reach containers and network disks, and an editor that saves by renaming ends them.
 */
const LOOK_MS = 100;

/** Called after each change. */
type Listener = (graph: LiveGraph) => void;

/** Throws L302 if `file` cannot be read as UTF-8, L113 if it is not a graph file. */
export async function openGraph(file: string, weights: string | null): Promise<GraphOnDisk> {
  await requireGraphFile(file);
  const path = realpathSync(file);
  const text = (await textOf(path)) ?? '';
  // The time makes revisions of another server for another file differ from these.
  const graph = {
    path: fromWorkingFolder(resolve(file)),
    text,
    isThere: true,
    revision: Date.now(),
    files: [],
    weights,
  };
  const opened = new GraphOnDisk(path, graph);
  await opened.look();
  return opened;
}

export class GraphOnDisk {
  /** The file itself, not a link to it: replacing it must keep the link. */
  readonly #path: string;
  readonly #listeners = new Set<Listener>();
  #graph: LiveGraph;
  #watched = new Set<string>();
  /** Reads and writes happen one after another. */
  #queue: Promise<unknown> = Promise.resolve();

  /** `path` is absolute; `openGraph` makes one. */
  constructor(path: string, graph: LiveGraph) {
    this.#path = path;
    this.#graph = graph;
  }

  /** The state at the last look; another object after each change. */
  get graph(): LiveGraph {
    return this.#graph;
  }

  /** Calls `listener` after each change; returns a function that ends this. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks at the files again; `listen`ers are called if one has changed. */
  look(): Promise<void> {
    return this.#inTurn(() => this.#look());
  }

  /**
   * Replaces the file by `text`, whole or not at all, if `revision` is the current one. Throws L301
   * if it cannot be written, L302 if it cannot be read.
   */
  write(text: string, revision: number): Promise<WriteAnswer> {
    return this.#inTurn(async () => {
      await this.#look();
      const written = this.#graph.revision === revision && (await this.#replace(text));
      await this.#look();
      return { written, graph: this.#graph };
    });
  }

  /**
   * Replaces the file by `text`; returns false, and leaves it, if it has another text than at the
   * last look. It is compared when the new file is complete and only needs its name: an editor has
   * less than a millisecond in which its save is not seen.
   */
  async #replace(text: string): Promise<boolean> {
    const changed = new Error('the file has changed');
    const seen = Buffer.from(this.#graph.text);
    const compare = () => {
      const now = existsSync(this.#path) ? readFileSync(this.#path) : seen;
      if (!now.equals(seen)) throw changed;
    };
    try {
      await writePieces(
        this.#path,
        () => true,
        (put) => put(new TextEncoder().encode(text)),
        compare,
      );
      return true;
    } catch (error) {
      if (error === changed) return false;
      throw error;
    }
  }

  close(): void {
    for (const path of this.#watched) unwatchFile(path);
    this.#watched.clear();
    this.#listeners.clear();
  }

  async #look(): Promise<void> {
    const before = this.#graph;
    const found = await textOf(this.#path);
    // An editor that saves by renaming leaves a moment without a file.
    const text = found ?? before.text;
    const { files, watched } = await authorFiles(this.#path);
    this.#watch(new Set(watched));
    const [graphFile, ...imported] = files;
    const now: LiveGraph = {
      ...before,
      text,
      isThere: found !== null,
      files: [{ ...graphFile!, path: before.path }, ...imported],
      revision: text === before.text ? before.revision : before.revision + 1,
    };
    if (JSON.stringify(now) === JSON.stringify(before)) return;
    this.#graph = now;
    for (const listener of this.#listeners) listener(now);
  }

  #watch(paths: Set<string>): void {
    for (const path of this.#watched) if (!paths.has(path)) unwatchFile(path);
    for (const path of paths) {
      if (this.#watched.has(path)) continue;
      watchFile(path, { interval: LOOK_MS }, () => {
        this.look().catch((error: Error) => process.stderr.write(`${error.message}\n`));
      });
    }
    this.#watched = paths;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work, work);
    this.#queue = result.catch(() => {});
    return result;
  }
}

/**
 * The text of the file with its byte order mark, so that it can be written back unchanged; null if
 * there is no such file.
 */
async function textOf(path: string): Promise<string | null> {
  const bytes = await readFileIfThere(path);
  if (bytes === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const remedy = 'the file saved as UTF-8';
    throw new LamellaError('L302', { path: fromWorkingFolder(path), reason: 'it is not UTF-8', remedy });
  }
}
