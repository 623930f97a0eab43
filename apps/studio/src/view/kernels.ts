/** One kernel at a time, on every target: chosen from a list, kept while the model is edited. */
import { kernelCode, shaderCode } from '@lamella/report/code-picture';
import type { KernelTexts } from '@lamella/report/kernel-texts';
import { count } from '@lamella/report/units';
import { highlight } from './highlight.ts';

interface Choice {
  readonly name: string;
  readonly group: string;
  readonly note: string;
  readonly markup: () => string;
}

export class KernelView {
  readonly #select = document.querySelector<HTMLSelectElement>('#kernel')!;
  readonly #code = document.querySelector<HTMLElement>('#kernel-code')!;
  readonly #note = document.querySelector<HTMLElement>('#kernel-note')!;
  #choices: readonly Choice[] = [];
  #chosen = '';

  constructor() {
    this.#select.onchange = () => this.#choose(this.#select.value);
    const step = (id: string, by: number) => {
      document.querySelector<HTMLButtonElement>(id)!.onclick = () => {
        const at = this.#choices.findIndex(({ name }) => name === this.#chosen) + by;
        const next = this.#choices.at(at % this.#choices.length);
        if (next) this.#choose(next.name);
      };
    };
    step('#kernel-before', -1);
    step('#kernel-behind', 1);
  }

  /** Lists these kernels; the one that was shown is shown again if it still exists. */
  show({ kernels, others }: KernelTexts, withoutGpu: string): void {
    const lowerings = { decode: 'one token', prefill: 'a tile of tokens' } as const;
    this.#choices = [
      ...kernels.map((kernel) => ({
        name: kernel.name,
        group: `${kernel.kind}, ${lowerings[kernel.lowering]}`,
        note: `${count(kernel.bytes)} bytes of WASM${kernel.shaders.length > 1 ? `, ${kernel.shaders.length} shaders` : ''}. ${withoutGpu}`,
        markup: () => kernelCode(kernel).markup,
      })),
      ...others.map((shader) => ({
        name: shader.name,
        group: 'on a GPU alone',
        note: 'WASM has this in its driver.',
        markup: () => shaderCode(shader).markup,
      })),
    ];
    const groups = [...new Set(this.#choices.map(({ group }) => group))];
    this.#select.replaceChildren(
      ...groups.map((group) => {
        const element = document.createElement('optgroup');
        element.label = group;
        for (const { name } of this.#choices.filter((choice) => choice.group === group))
          element.append(new Option(name, name));
        return element;
      }),
    );
    const kept = this.#choices.find(({ name }) => name === this.#chosen);
    // The widest matrix of a block says more than the embedding.
    const usual = this.#choices.find(({ group }) => !group.startsWith('start')) ?? this.#choices[0];
    const shown = kept ?? usual;
    if (shown) this.#choose(shown.name);
  }

  #choose(name: string): void {
    const choice = this.#choices.find((each) => each.name === name)!;
    this.#chosen = name;
    this.#select.value = name;
    this.#note.textContent = choice.note;
    this.#code.innerHTML = choice.markup();
    highlight(this.#code.querySelectorAll('pre'));
  }
}
