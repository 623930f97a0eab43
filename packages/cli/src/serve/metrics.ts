/**
 * Counts of the server in Prometheus' text format
 * (prometheus.io/docs/instrumenting/exposition_formats).
 */
import type { Usage } from '@lamella/runtime/faces/openai/types';
import type { Loaded } from './protocol.ts';

export class Metrics {
  readonly #loaded: Loaded;
  readonly #sessions: number;
  /** Finished requests by route and status. */
  readonly #requests = new Map<string, number>();
  #running = 0;
  #seconds = 0;
  #answers = 0;
  #promptTokens = 0;
  #cachedTokens = 0;
  #generatedTokens = 0;

  constructor(loaded: Loaded, sessions: number) {
    this.#loaded = loaded;
    this.#sessions = sessions;
  }

  /** Requests to the model that have not ended. */
  get running(): number {
    return this.#running;
  }

  /**
   * A request to the model begins. Returns the function that ends it; calls after the first do
   * nothing.
   */
  begin(): (usage: Usage | null) => void {
    const start = performance.now();
    let isOver = false;
    this.#running++;
    return (usage) => {
      if (isOver) return;
      isOver = true;
      this.#running--;
      this.#answers++;
      this.#seconds += (performance.now() - start) / 1000;
      this.#promptTokens += usage?.prompt_tokens ?? 0;
      this.#cachedTokens += usage?.prompt_tokens_details.cached_tokens ?? 0;
      this.#generatedTokens += usage?.completion_tokens ?? 0;
    };
  }

  /**
   * A request of any kind has its answer. `route` is one of ours, so a client cannot make names up.
   */
  answered(route: string, status: number): void {
    const labels = `route="${route}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
  }

  get text(): string {
    const { name, context, plannedBytes } = this.#loaded;
    const label = name.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
    const one = (value: number) => [['', value] as const];
    const metrics: readonly Metric[] = [
      ['requests_total', 'counter', 'Requests that were answered.', [...this.#requests].map(([l, v]) => [`{${l}}`, v])],
      ['requests_running', 'gauge', 'Requests to the model that wait or are computed.', one(this.#running)],
      ['prompt_tokens_total', 'counter', 'Tokens of prompts.', one(this.#promptTokens)],
      ['cached_prompt_tokens_total', 'counter', 'Those computed by an earlier request.', one(this.#cachedTokens)],
      ['generated_tokens_total', 'counter', 'Tokens that were generated.', one(this.#generatedTokens)],
      ['sessions', 'gauge', 'Conversations whose keys and values are kept.', one(this.#sessions)],
      ['planned_bytes', 'gauge', 'Memory of the model, without further sessions.', one(plannedBytes)],
      ['model_info', 'gauge', 'The model.', [[`{name="${label}",context="${context}"}`, 1]]],
    ];
    return [
      ...metrics.map(([name, type, help, values]) => written(name, type, help, values)),
      written('request_seconds', 'summary', 'Seconds from a request to the end of its answer.', [
        ['_sum', this.#seconds],
        ['_count', this.#answers],
      ]),
    ].join('');
  }
}

/** A name, a type, a sentence, and values by their labels. */
type Metric = readonly [name: string, type: string, help: string, values: readonly (readonly [string, number])[]];

function written(...[name, type, help, values]: Metric): string {
  const lines = values.map(([labels, value]) => `lamella_${name}${labels} ${value}\n`);
  return `# HELP lamella_${name} ${help}\n# TYPE lamella_${name} ${type}\n${lines.join('')}`;
}
