/** The size of each face, printed for the record, with a limit. */
import { gzipSync } from 'node:zlib';
import { bundleFace } from 'lamella/bundle';
import { facesOf } from 'lamella/faces';
import { expect, test } from 'vitest';

test.each(facesOf({ tokenizer: true }))('$name', async (face) => {
  const bytes = gzipSync((await bundleFace(face)).text).length;
  console.log(`${face.name}.js: ${bytes} bytes gzip`);
  expect(bytes).toBeLessThan(8_000);
});
