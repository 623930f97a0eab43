/** The pages are well formed and self-contained, and show the figures of the plan. */

import type { Compilation } from '@lamella/compiler/compilation';
import { printKernel } from '@lamella/compiler/loops/print';
import { orderNames } from '@lamella/compiler/orders';
import { compile } from '@lamella/compiler/pipeline';
import { slowMemoryBytesPerToken } from '@lamella/compiler/residency';
import { share } from '@lamella/dsl';
import { beforeAll, describe, expect, test } from 'vitest';
import { html } from '../src/html.ts';
import { kernelTexts } from '../src/kernel-texts.ts';
import { modelReport, packageReport } from '../src/report.ts';
import { stackPicture } from '../src/stack-picture.ts';
import { stateBytes, tokenPicture } from '../src/token-picture.ts';
import { bytes, count } from '../src/units.ts';
import { read, type Tag, tags } from './markup.ts';
import { convolved, hostile, layers, mixed, sharedStates } from './models.ts';

const models = {
  immediate: layers(3, share.immediate(2)),
  cycle: layers(3, share.cycle(2)),
  reverse: layers(3, share.reverse()),
  order: layers(3, share.order([0, 1, 1, 2, 0])),
  none: layers(3),
  one: layers(1),
  mixed: mixed(),
  sharedStates: sharedStates(),
  // The DSL refuses such a name, but a manifest may come from anywhere.
  hostile: { ...layers(2, share.cycle(3)), name: hostile },
};

const compiled = {} as Record<keyof typeof models, Compilation>;
beforeAll(async () => {
  for (const [name, graph] of Object.entries(models)) {
    compiled[name as keyof typeof models] = await compile(graph, { quant: 'q8' });
  }
});
const manifestOf = (c: Compilation) => c.manifest({ weights: null, tokenizer: null, probe: null, wasm: [] });

describe.each(Object.keys(models) as (keyof typeof models)[])('%s', (name) => {
  test.each(['model', 'package'])('the page of a %s is well formed and self-contained', (of) => {
    const page = of === 'model' ? modelReport(compiled[name]) : packageReport(manifestOf(compiled[name]));
    const all = tags(page);
    const ids = all.flatMap(({ attributes }) => attributes.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const links = all.flatMap(({ attributes }) => attributes.href ?? []);
    expect(links.length).toBeGreaterThan(1);
    for (const link of links) expect(ids).toContain(link.slice(1));
    expect(all.filter((tag) => ['script', 'link', 'img', 'iframe', 'object'].includes(tag.name))).toEqual([]);
    expect(page).not.toMatch(/url\(|@import|\bsrc=|\bon[a-z]+=/);
  });

  test('pictures have a text; scrollable boxes can be focused', () => {
    const all = tags(modelReport(compiled[name]));
    const pictures = all.filter((tag) => tag.name === 'svg' || tag.attributes.role === 'img');
    expect(pictures.length).toBeGreaterThan(4);
    for (const { attributes } of pictures) {
      expect(attributes.role).toBe('img');
      expect(attributes['aria-label']).toMatch(/\d/);
    }
    for (const { attributes } of all.filter((tag) => tag.name === 'pre' || tag.attributes.class === 'wide')) {
      expect(attributes).toMatchObject({ role: 'group', tabindex: '0', 'aria-label': expect.stringMatching(/./) });
    }
  });

  test('the tensors add up to the weights, the regions to the memory', () => {
    const page = modelReport(compiled[name]);
    const { plan, report } = compiled[name];
    const sum = (label: string, column: number) => {
      const rows = tableOf(page, label).filter((cells) => cells.length > 1);
      return rows.slice(1, -1).reduce((total, cells) => total + Number(cells[column]!.replaceAll(',', '') || 0), 0);
    };
    expect(sum('Tensors', 1)).toBe(report.weightBytes);
    expect(sum('Tensors', 3)).toBe(report.parameters);
    expect(sum('Regions of memory', 1)).toBe(plan.memory.plannedBytes);
    expect(sum('Kernels of one token', 1)).toBe(report.wasm.dispatchesPerToken);
  });

  test('a cell for each row of the table, a slot for each state', () => {
    const { plan, report } = compiled[name];
    const rects = tags(stackPicture(manifestOf(compiled[name])).markup).filter((tag) => tag.name === 'rect');
    expect(rects.filter((r) => r.attributes.class === 'slot')).toHaveLength(report.stateSlots);
    const cells = rects.filter((r) => r.attributes.class !== 'slot');
    expect(cells).toHaveLength(plan.table.length);
    expect(cells.map((r) => Number(r.attributes.x))).toEqual(plan.table.map((_, i) => 10 * i + 1));
  });

  test('the page has every kernel with its loops and WAT, and every buffer of the arena with its bytes', () => {
    const { kernels, plan, stages } = compiled[name];
    const text = read(modelReport(compiled[name]));
    const wat = stages.wat();
    // Kernels get their code sizes by the order of the functions.
    const functions = [...wat.matchAll(/^\(func \$(\S+)/gm)].map(([, name]) => name);
    const names = kernels.flatMap((k) => [...k.decode, ...k.prefill]).map((kernel) => kernel.name);
    expect(functions.slice(0, names.length)).toEqual(names);
    for (const kernel of kernels.flatMap((k) => [...k.decode, ...k.prefill])) {
      expect(text).toContain(printKernel(kernel));
      const from = wat.indexOf(`(func $${kernel.name} `);
      expect(from).toBeGreaterThan(0);
      expect(text).toContain(wat.slice(from, wat.indexOf('\n)\n', from)));
    }
    for (const buffer of plan.arena.intervals) expect(text).toContain(`${buffer.name}${bytes(buffer.bytes)}`);
  });

  test('strips are filled by the bytes from slow memory', () => {
    const { planInOrder, plan, report } = compiled[name];
    const page = modelReport(compiled[name]);
    const shares = report.executions > report.weightSets;
    for (const order of shares ? orderNames : []) {
      expect(read(page)).toContain(`${bytes(slowMemoryBytesPerToken(planInOrder(order)))} per token`);
    }
    expect(page.match(/class="strip"/g)).toHaveLength(shares ? (name === 'order' ? 4 : 3) : 1);
    const first = page.match(/<svg class="strip"[\s\S]*?<\/svg>/)![0];
    const rects = tags(first).filter((tag) => tag.name === 'rect');
    const widths = (which: (tag: Tag) => boolean) =>
      rects.filter(which).reduce((total, r) => total + Number(r.attributes.width), 0);
    const [, read1, of] = first.match(/: (.*) of (.*) come from/)!;
    expect(read1).toBe(bytes(slowMemoryBytesPerToken(plan)));
    expect(of).toMatch(/B$/);
    expect(widths(() => true)).toBeCloseTo(1000, 0);
    // The weights of a tiny model stay in fast memory, except one row of the embedding.
    const part = (1000 * slowMemoryBytesPerToken(plan)) / (slowMemoryBytesPerToken(plan) + keptBytes());
    expect(widths((r) => r.attributes.class !== 'kept')).toBeCloseTo(part, 0);

    function keptBytes(): number {
      const at = new Map(plan.segments.map((s) => [s.offset + plan.memory.weights.offset, s.bytes]));
      const rows = plan.table.slice(1).flatMap((row) => row.weights.map((address) => at.get(address)!));
      return rows.reduce((total, n) => total + n, 0);
    }
  });
});

test('arcs join the runs of the same weights: hops, a band, a rainbow, or none', () => {
  const arcs = (name: keyof typeof models) => {
    const paths = tags(stackPicture(manifestOf(compiled[name])).markup).filter((tag) => tag.name === 'path');
    const over = paths.filter((path) => path.attributes.class === 'set');
    return over.map((path) => {
      const [, from, to] = path.attributes.d!.match(/^M(\d+) .* (\d+) [\d.]+$/)!;
      return (Number(to) - Number(from)) / 10;
    });
  };
  expect(arcs('immediate')).toEqual([1, 1, 1]);
  expect(arcs('cycle')).toEqual([3, 3, 3]);
  expect(arcs('reverse')).toEqual([1, 3, 5]);
  expect(arcs('order')).toEqual([1, 4]);
  expect(arcs('none')).toEqual([]);
  expect(arcs('mixed')).toEqual([1, 3, 5, 7, 9, 11]);
});

test('a sub-block shared by all layers has its own arcs, from each run to the next; so has a tied head', () => {
  const common = (name: keyof typeof models) =>
    stackPicture(manifestOf(compiled[name])).markup.match(/<path class="common"/g);
  expect(common('mixed')).toHaveLength(11 + 1);
  expect(common('immediate')).toHaveLength(1);
});

test('blocks without state are executions, too', () => {
  expect(read(modelReport(compiled.mixed))).toContain(
    '6 weight sets, 12 executions, 8 state slots: all weight sets forwards',
  );
});

test('the page has the same figures as `inspect`', () => {
  const { report } = compiled.cycle;
  const text = read(modelReport(compiled.cycle));
  expect(text).toContain(`${count(report.parameters)} parameters`);
  expect(text).toContain('3 weight sets, 6 executions, 6 state slots: all weight sets 2 times over.');
  for (const figure of [report.plannedBytes, report.weightBytes, report.slowMemoryBytesPerToken]) {
    expect(text).toContain(bytes(figure));
  }
});

test('shaders are shown beside their kernels, each with its own loops', async () => {
  const both = await compile(layers(3, share.immediate(2)), { quant: 'q8', targets: ['wasm', 'webgpu'] });
  const { kernels, others } = kernelTexts(both, both.gpu.at(-1));
  const all = [...kernels.flatMap(({ shaders }) => shaders), ...others];
  expect(all.map(({ name }) => name).toSorted()).toEqual(
    both.gpu
      .at(-1)!
      .manifest.kernels.map(({ name }) => name)
      .toSorted(),
  );
  // The kernels that choose the next token; on WASM the driver does that.
  expect(others.length).toBeGreaterThan(0);
  for (const kernel of kernels) expect(kernel.shaders.length).toBeGreaterThan(0);
  const text = read(modelReport(both));
  for (const { name, loops, wgsl } of all) {
    expect(loops).toContain(`kernel ${name}(`);
    expect(wgsl).toContain(`// ${name}: `);
    expect(text).toContain(loops);
    expect(text).toContain(wgsl);
  }
});

test('names are never markup', () => {
  const page = modelReport(compiled.hostile);
  expect(page).not.toContain('<script');
  expect(read(page)).toContain(hostile);
});

test('text in a template is escaped once, markup is unchanged', () => {
  const inner = html`<b>${'<&>"\''}</b>`;
  expect(html`<p title="${'"'}">${inner}${[inner, inner]}${1}</p>`.markup).toBe(
    `<p title="&quot;">${'<b>&lt;&amp;&gt;&quot;&#39;</b>'.repeat(3)}1</p>`,
  );
});

/** Cells of the table with this label, row by row. */
function tableOf(page: string, label: string): readonly (readonly string[])[] {
  const from = page.indexOf(`aria-label="${label}"`);
  const text = page.slice(from, page.indexOf('</table>', from));
  return text
    .split('<tr')
    .slice(1)
    .map((row) => [...row.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell]) => read(cell!).trim()));
}

test('states that others read and rings of windows are shown as what they are', () => {
  const manifest = manifestOf(compiled.sharedStates);
  expect(manifest.report).toMatchObject({ weightSets: 2, executions: 6, stateSlots: 2 });
  const page = read(packageReport(manifest));
  expect(page).toContain('2 weight sets, 6 executions, 2 state slots: each weight set 3 times in a row.');
  // 1 head of 16 features, keys and values: the context of 400 positions, and a ring of a window
  // and a tile
  expect(page).toContain(
    "1 slot of 50.0 KiB; 1 of 16.0 KiB for a window of 20 tokens, in a ring of 128; 4 executions read an earlier one's",
  );
  const picture = tags(stackPicture(manifest).markup);
  expect(picture.filter((tag) => tag.name === 'path' && tag.attributes.class === 'reads')).toHaveLength(4);
  const slots = picture.filter((tag) => tag.name === 'rect' && tag.attributes.class === 'slot');
  expect(slots.map(({ attributes }) => attributes.rx)).toEqual(['1', '2.5']);
});

test('the state that a call reads: the context, a window in whole chunks, or the inputs of a convolution', async () => {
  const read = ({ plan }: Compilation) =>
    plan.program.kinds.flatMap((kind) => kind.ops.flatMap((op) => stateBytes(plan.program, kind, op) || []));
  const { program } = compiled.sharedStates.plan;
  // A position has keys and values of 16 f32. The window of the last token, 380 to 399, begins in
  // the
  // chunk at 320; its ring has 128 positions.
  const [all, window] = [400 * 128, (400 - 320) * 128];
  expect(read(compiled.sharedStates)).toEqual([all, all, window, window]);
  expect(program.kinds.flatMap(({ stateBytes }) => stateBytes || [])).toContain(128 * 128);
  expect(tokenPicture(compiled.sharedStates).markup).toContain(`>${bytes(window)}<`);
  // Three inputs of 32 f32.
  expect(read(await compile(convolved(), { quant: 'q8' }))).toEqual([3 * 32 * 4]);
});
