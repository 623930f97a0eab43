/**
 * The compiler in a worker: receives a version of the author's file, returns everything that is
 * shown of it.
 */
import type { Compilation } from '@lamella/compiler/compilation';
import { compile } from '@lamella/compiler/pipeline';
import { html } from '@lamella/report/html';
import { kernelTexts } from '@lamella/report/kernel-texts';
import { factList, sectionMarkup } from '@lamella/report/page';
import { facts, pictures, subtitle } from '@lamella/report/report';
import { graphOf } from './author.ts';
import { faultOf } from './fault.ts';
import type { Edit, Picture, Said } from './protocol.ts';
import { shadersOf } from './shaders.ts';

const say = (said: Said) => postMessage(said);

self.onmessage = async ({ data }: MessageEvent<Edit>) => {
  const { id, file, options } = data;
  try {
    say({ kind: 'running', id });
    const graph = graphOf(data);
    say({ kind: 'traced', id });
    const compilation = await compile(graph, options);
    const { gpu, withoutGpu } = shadersOf(graph, options);
    const kernels = kernelTexts(compilation, gpu);
    say({ kind: 'picture', id, picture: { ...pictureOf(compilation), kernels, withoutGpu } });
  } catch (error) {
    say({ kind: 'fault', id, fault: faultOf(error, file) });
  }
};
say({ kind: 'ready' });

function pictureOf(compilation: Compilation): Pick<Picture, 'name' | 'markup' | 'summary'> {
  const { name } = compilation.report;
  const manifest = compilation.manifest({ weights: null, tokenizer: null, probe: null, wasm: [] });
  const [stack, ...others] = pictures(compilation);
  const top = html`<h2 class="name">${name}</h2>
<p class="lead">${subtitle(manifest)}</p>
${factList(facts(manifest))}`;
  const { markup } = html`${top}
${[stack!, ...others].map(sectionMarkup)}`;
  const summary = html`${top}
<p>${stack!.lead}</p>
${stack!.body}`;
  return { name, markup, summary: summary.markup };
}
