/**
 * Shows one kernel on every target, chosen from a list; the choice is kept while the model is
 * edited.
 */

import { kernelCode, shaderCode } from '@lamella/report/code-picture';
import { count } from '@lamella/report/units';
import { computed, signal } from '@preact/signals';
import type { Picture } from '../compile/protocol.ts';
import { picture } from '../version.ts';
import { highlight } from './highlight.ts';
import { Markup } from './markup.tsx';
import { StaleNote } from './stale-note.tsx';
import { isShown } from './tabs.tsx';

interface Choice {
  readonly name: string;
  readonly group: string;
  readonly note: string;
  readonly markup: () => string;
}

const choices = computed(() => (picture.value ? choicesOf(picture.value) : []));
const chosen = signal('');
const shown = computed(
  () =>
    choices.value.find(({ name }) => name === chosen.value) ??
    // The widest matrix of a block says more than the embedding.
    choices.value.find(({ group }) => !group.startsWith('start')) ??
    choices.value[0],
);

function choicesOf({ kernels: { kernels, others }, withoutGpu }: Picture): readonly Choice[] {
  const lowerings = { decode: 'one token', prefill: 'a tile of tokens' } as const;
  return [
    ...kernels.map((kernel) => ({
      name: kernel.name,
      group: `${kernel.kind}, ${lowerings[kernel.lowering]}`,
      note: `${count(kernel.bytes)} bytes of WASM${kernel.shaders.length > 1 ? `, ${kernel.shaders.length} shaders` : ''}. ${withoutGpu}`,
      markup: () => kernelCode(kernel).markup,
    })),
    ...others.map((shader) => ({
      name: shader.name,
      group: 'only on a GPU',
      note: 'With WASM, the driver does this.',
      markup: () => shaderCode(shader).markup,
    })),
  ];
}

/** Shows the kernel `by` places further in the list, which wraps around. */
function step(by: number): void {
  if (!shown.value) return;
  const at = choices.value.indexOf(shown.value) + by;
  chosen.value = choices.value.at(at % choices.value.length)!.name;
}

export function KernelsPanel() {
  const kernel = shown.value;
  return (
    <section id="panel-kernels" role="tabpanel" aria-labelledby="tab-kernels" hidden={!isShown('kernels')}>
      <StaleNote what="kernels" />
      <div class="picker">
        <label>
          Kernel{' '}
          <select
            id="kernel"
            value={kernel?.name}
            onChange={({ currentTarget }) => (chosen.value = currentTarget.value)}
          >
            <Groups />
          </select>
        </label>
        <button type="button" aria-label="Previous kernel" onClick={() => step(-1)}>
          ‹
        </button>
        <button type="button" aria-label="Next kernel" onClick={() => step(1)}>
          ›
        </button>
        <p>{kernel?.note}</p>
      </div>
      {kernel && (
        <Markup id="kernel-code" markup={kernel.markup()} onShown={(code) => highlight(code.querySelectorAll('pre'))} />
      )}
    </section>
  );
}

function Groups() {
  return [...new Set(choices.value.map(({ group }) => group))].map((group) => (
    <optgroup key={group} label={group}>
      {choices.value
        .filter((choice) => choice.group === group)
        .map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
    </optgroup>
  ));
}
