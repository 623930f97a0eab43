/** The graph file of `lamella dev`, changed by an editor and by a page at the same time. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openGraph } from '../src/dev/graph-on-disk.ts';
import { scratch } from './lamella.ts';

test.each(['in place', 'by renaming'])('a save %s during a write of the page is never lost', async (how) => {
  const home = await scratch();
  const file = join(home.path, 'model.ts');
  const save = (text: string) => {
    if (how === 'in place') return writeFileSync(file, text);
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  save('// first\n');
  const onDisk = await openGraph(file, null);
  for (let round = 0; round < 20; round++) {
    const writing = onDisk.write(`// page ${round}\n`, onDisk.graph.revision);
    await setTimeout(round);
    save(`// editor ${round}\n`);
    await writing;
    expect(readFileSync(file, 'utf8')).toBe(`// editor ${round}\n`);
    await onDisk.look();
  }
  const writing = onDisk.write('// page\n', onDisk.graph.revision);
  save('// before the first look\n');
  expect(await writing).toMatchObject({ written: false, graph: { text: '// before the first look\n' } });
  onDisk.close();
  await home.remove();
});

test('a deleted file keeps its last text and says that it is gone', async () => {
  const home = await scratch();
  const file = join(home.path, 'model.ts');
  writeFileSync(file, '// a\n');
  const onDisk = await openGraph(file, null);
  const { revision } = onDisk.graph;
  renameSync(file, `${file}.gone`);
  await onDisk.look();
  expect(onDisk.graph).toMatchObject({ text: '// a\n', isThere: false, revision });
  expect((await onDisk.write('// b\n', revision)).written).toBe(true);
  expect(onDisk.graph).toMatchObject({ text: '// b\n', isThere: true });
  expect(readFileSync(file, 'utf8')).toBe('// b\n');
  onDisk.close();
  await home.remove();
});
