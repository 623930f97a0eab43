/**
 * The weights of `lamella dev --weights`, for a page: the page compiles the graph and packs the
 * tensors itself, and reads them from here one at a time, so neither side holds all of them. The
 * tokenizer beside a checkpoint comes along.
 */
import { openWeights } from '@lamella/checkpoint/open';
import type { WeightSource } from '@lamella/checkpoint/weight-source';
import type { LiveGraph } from '@lamella/dsl/live';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { loadGraph } from '../model/load-graph.ts';
import { type FoundTokenizer, findTokenizer } from '../model/tokenizer-files.ts';
import type { GraphOnDisk } from './graph-on-disk.ts';

interface Opened {
  readonly graph: Graph;
  readonly source: WeightSource;
}

export class WeightsForPage {
  readonly #spec: string;
  readonly #onDisk: GraphOnDisk;
  /** The state of the graph for which `#opened` was opened. */
  #of: LiveGraph | null = null;
  #opened: Promise<Opened> | null = null;

  constructor(spec: string, onDisk: GraphOnDisk) {
    this.#spec = spec;
    this.#onDisk = onDisk;
  }

  /**
   * The tokenizer for `revision` of the graph, which the page packs itself; null if there is none.
   * Throws the errors of the graph and of the checkpoint, and L305 if the file on disk has another
   * revision.
   */
  async tokenizer(revision: number): Promise<Omit<FoundTokenizer, 'packed'> | null> {
    const { graph } = await this.#current(revision);
    const found = await findTokenizer(this.#spec, graph.vocab);
    if (!found) return null;
    const { packed: _, ...rest } = found;
    return rest;
  }

  /** Weight `index` of the graph: f32, little-endian. Throws like `tokenizer`. */
  async tensor(revision: number, index: number): Promise<Uint8Array> {
    const { graph, source } = await this.#current(revision);
    const weight = graph.weights[index];
    if (!weight) throw refused(`the graph has ${graph.weights.length} tensors, and the page read another one`);
    const { buffer, byteOffset, byteLength } = await source.read(weight);
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => null);
    this.#opened = null;
    await opened?.source.close();
  }

  async #current(revision: number): Promise<Opened> {
    const now = this.#onDisk.graph;
    if (now.revision !== revision) throw refused('the file on disk has changed since the run began');
    if (this.#opened === null || this.#of !== now) {
      await this.close();
      this.#of = now;
      const opening = this.#open(now.path);
      this.#opened = opening;
      // Weights that do not fit are opened again at the next run.
      opening.catch(() => {
        if (this.#opened === opening) this.#opened = null;
      });
    }
    return this.#opened!;
  }

  async #open(path: string): Promise<Opened> {
    const graph = await loadGraph(path);
    return { graph, source: await openWeights(this.#spec, graph) };
  }
}

function refused(reason: string): LamellaError {
  return new LamellaError('L305', { option: '--weights', reason, remedy: 'another run' });
}
