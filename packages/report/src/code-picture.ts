/**
 * The code of every kernel: its loops beside the WAT and the WGSL printed from them. Long texts
 * scroll in their own box.
 */
import type { Compilation } from '@lamella/compiler/compilation';
import { printKind } from '@lamella/compiler/program/print';
import { type Html, html, nothing } from './html.ts';
import { type KernelText, kernelTexts, type ShaderText } from './kernel-texts.ts';
import { count } from './units.ts';

/** A heading for each kind, with its fused operations and its kernels, folded. */
export function codePicture(compilation: Compilation): Html {
  const { plan, stages, gpu } = compilation;
  // Of several profiles, the last one runs on every adapter.
  const { kernels, others } = kernelTexts(compilation, gpu.at(-1));
  const folded = (kind: string, lowering: KernelText['lowering']) =>
    kernels.filter((kernel) => kernel.kind === kind && kernel.lowering === lowering).map(foldedKernel);
  const titled = (title: string, list: readonly Html[]) => (list.length ? html`<h4>${title}</h4>${list}` : nothing);
  return html`${plan.program.kinds.map(
    (kind) => html`<h3>${kind.name}</h3>
${text(`Operations of ${kind.name}`, printKind(plan.program, kind).join('\n'))}
${titled('One token', folded(kind.name, 'decode'))}
${titled(`A tile of ${plan.program.tile}`, folded(kind.name, 'prefill'))}`,
  )}
<h3>Everything else</h3>
${others.map((shader) => html`<details><summary>${shader.name}</summary>${shaderCode(shader)}</details>`)}
<details><summary>The graph as traced</summary>${text('The graph', stages.graph())}</details>
<details><summary>The plan: addresses of every region, buffer and tensor</summary>${text('The plan', stages.plan())}</details>`;
}

function foldedKernel(kernel: KernelText): Html {
  return html`<details><summary><span>${kernel.name}</span> <span class="size">${count(kernel.bytes)} bytes of code</span></summary>
${kernelCode(kernel)}</details>`;
}

/** One kernel on every target. */
export function kernelCode({ name, loops, wat, shaders }: KernelText): Html {
  return html`<div class="code">${part('Loops', name, loops)}${part('WAT', name, wat)}</div>${shaders.map(shaderCode)}`;
}

/** One shader beside its loops. */
export function shaderCode({ name, loops, wgsl }: ShaderText): Html {
  return html`<div class="code">${part('Loops on a GPU', name, loops)}${part('WGSL', name, wgsl)}</div>`;
}

function part(language: string, name: string, content: string): Html {
  return html`<div><p class="language">${language}</p>${text(`${language} of ${name}`, content)}</div>`;
}

/** A box that can also be scrolled with the keyboard. */
function text(label: string, content: string): Html {
  return html`<pre role="group" aria-label="${label}" tabindex="0">${content}</pre>`;
}
