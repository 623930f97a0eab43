/**
 * The page's side of the type checker's worker. It starts with the first question, so that the
 * first picture does not wait for its megabytes.
 */
import type { Answer, Answers, Question, Typed } from './protocol.ts';

export class TypesLink {
  #worker: Worker | null = null;
  #lastId = 0;
  readonly #waiting = new Map<number, (answer: Answers[keyof Answers]) => void>();

  check(typed: Typed): Promise<Answers['check']> {
    return this.#ask((id) => ({ id, kind: 'check', ...typed }));
  }

  complete(typed: Typed, at: number): Promise<Answers['complete']> {
    return this.#ask((id) => ({ id, kind: 'complete', ...typed, at }));
  }

  hover(typed: Typed, at: number): Promise<Answers['hover']> {
    return this.#ask((id) => ({ id, kind: 'hover', ...typed, at }));
  }

  #ask<A extends keyof Answers>(question: (id: number) => Question & { readonly kind: A }): Promise<Answers[A]> {
    this.#worker ??= this.#start();
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      // The table loses the relation between the types of a question and of its answer.
      this.#waiting.set(id, resolve as (answer: Answers[keyof Answers]) => void);
      this.#worker!.postMessage(question(id));
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      this.#waiting.get(data.id)?.(data.answer);
      this.#waiting.delete(data.id);
    };
    return worker;
  }
}
