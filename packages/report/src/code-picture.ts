/** Every kernel as it is: its loops beside the WAT that was assembled from them. Long texts scroll in their own box. */
import type { Kernel } from '@lamella/compiler/loops/ir';
import { printKernel } from '@lamella/compiler/loops/print';
import { unroll } from '@lamella/compiler/loops/unroll';
import type { Compilation } from '@lamella/compiler/pipeline';
import { printKind } from '@lamella/compiler/program/print';
import { partition } from '@lamella/compiler/targets/wasm/partition';
import { printFunction } from '@lamella/compiler/targets/wasm/print';
import { functionBytes } from '@lamella/compiler/targets/wasm/sizes';
import { type Html, html, nothing } from './html.ts';
import { count } from './units.ts';

/** A heading for each kind, with its fused operations and its kernels, folded. */
export function codePicture({ plan, kernels, modules, stages }: Compilation): Html {
  const sizes = functionBytes(modules[0]!.wasm);
  const all = kernels.flatMap((k) => [...k.decode, ...k.prefill]);
  const folded = (list: readonly Kernel[]) => list.map((kernel) => code(kernel, sizes[all.indexOf(kernel)]!));
  return html`${kernels.map(
    ({ kind, decode, prefill }) => html`<h3>${kind.name}</h3>
${text(`Operations of ${kind.name}`, printKind(plan.program, kind).join('\n'))}
<h4>One token</h4>${folded(decode)}
${prefill.length ? html`<h4>A tile of ${plan.program.tile}</h4>${folded(prefill)}` : nothing}`,
  )}
<h3>Everything else</h3>
<details><summary>The graph as traced</summary>${text('The graph', stages.graph())}</details>
<details><summary>The plan: addresses of every region, buffer and tensor</summary>${text('The plan', stages.plan())}</details>`;
}

function code(kernel: Kernel, bytes: number): Html {
  return html`<details><summary><span>${kernel.name}</span> <span class="size">${count(bytes)} bytes of code</span></summary>
<div class="code"><div><h5>Loops</h5>${text(`Loops of ${kernel.name}`, printKernel(kernel))}</div>
<div><h5>WAT</h5>${text(`WAT of ${kernel.name}`, printFunction(unroll(partition(kernel, new Set()))))}</div></div></details>`;
}

/** A box that can be scrolled with the keyboard, too. */
function text(label: string, content: string): Html {
  return html`<pre role="group" aria-label="${label}" tabindex="0">${content}</pre>`;
}
