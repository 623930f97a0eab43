/**
 * Makes the package of a version, with the code that `lamella compile --weights random:1` uses, so
 * its files are the same. Each finished file becomes a Blob: the worker's memory holds one chunk of
 * weights at a time, and the model while its golden probe is computed.
 */

import texts from 'virtual:package-texts';
import { randomWeights } from '@lamella/checkpoint/random';
import { compile } from '@lamella/compiler/pipeline';
import { load } from '@lamella/runtime/every-part';
import { type Destination, packageName, plain, type RuntimeTexts, writePackage } from 'lamella/write-package';
import { graphOf } from '../compile/author.ts';
import type { Version } from '../compile/protocol.ts';
import { refuseIfTooLarge } from '../run/package.ts';
import type { DownloadSaid } from './protocol.ts';
import { crc32, type StoredFile, zip } from './zip.ts';

const say = (said: DownloadSaid) => postMessage(said);
const step = (step: string, done = 0, of = 0) => say({ kind: 'step', step, done, of });

self.onmessage = async ({ data }: MessageEvent<Version>) => {
  try {
    say({ kind: 'package', ...(await packageOf(data)) });
  } catch (error) {
    say({ kind: 'failure', message: error instanceof Error ? error.message : String(error) });
  }
};

const runtimeTexts: RuntimeTexts = {
  bundles: async () => texts.bundles,
  face: async ({ name }) => texts.faces[name]!.script,
  apiTypes: texts.apiTypes,
  faceTypes: ({ name }) => texts.faces[name]!.types,
};

async function packageOf(version: Version): Promise<{ readonly folder: string; readonly zip: Blob }> {
  step('compiling');
  const compilation = await compile(graphOf(version), version.options);
  refuseIfTooLarge(compilation, 'downloading');
  const { name } = compilation.report;
  const folder = packageName(name, {});
  const files = new Map<string, StoredFile>();
  const destination: Destination = {
    write: async (file, bytes) => {
      files.set(`${folder}/${file}`, { content: new Blob([bytes]), crc: crc32(bytes) });
    },
    open() {
      const read = async (file: string) => new Uint8Array(await files.get(`${folder}/${file}`)!.content.arrayBuffer());
      return load({ place: name, read }, { ...plain, onProgress: (done, of) => step('loading', done, of) });
    },
  };
  const parts = { compilation, weights: randomWeights(1), tokenizer: null };
  await writePackage(parts, destination, runtimeTexts, {
    onProgress: ({ done, total }) => step('packing weights', done, total),
  });
  return { folder, zip: zip(files) };
}
