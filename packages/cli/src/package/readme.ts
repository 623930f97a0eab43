/**
 * The README.md and the LICENSE of a compiled package. The README has one example for each kind of
 * app; tests run all three as they are written.
 */
import type { Manifest } from '@lamella/runtime/manifest';
import { facesOf } from './faces.ts';
import { summary } from './summary.ts';

/** README.md of the npm package `name`. */
export function readme(name: string, manifest: Manifest): string {
  const [prompt, piece] = manifest.tokenizer ? ["'Hello'", 'text'] : ['[1, 2, 3]', 'token'];
  const generate = `for await (const { ${piece} } of model.generate(${prompt}, { maxTokens: 32 }))`;
  const shown = manifest.tokenizer ? 'text' : "token + ' '";
  const folder = name.replace(/^.*\//, '');
  const faces = facesOf(manifest).map(({ name: face, purpose }) => `- \`from '${name}/${face}'\`: ${purpose}`);
  const noWeights =
    '\nThis package has no weights, so `load()` fails with L405: it was compiled without `--weights`.\n';
  return `# ${name}

The model ${manifest.name}, compiled by Lamella: ${summary(manifest)}.
${manifest.weights ? '' : noWeights}
Below are three ways to use it. \`index.d.ts\` describes every option and every error.

## Node

Node 20 or later, Bun or Deno; with \`import\`, or with \`const { load } = require('${name}')\`.

\`\`\`js
import { load } from '${name}';

const model = await load();
${generate}
  process.stdout.write(${shown});
model.dispose();
\`\`\`

## A page made with a bundler

The model computes in a worker of its own. Vite, webpack, Next and Parcel need no configuration.
esbuild and Rollup omit files that are not imported: copy this folder to a place that is served,
and pass its address, as in \`load('/${folder}/')\`.

\`\`\`js
import { load } from '${name}';

const output = document.querySelector('output');
const model = await load();
${generate}
  output.append(${shown});
\`\`\`

## A plain page

Copy this folder beside the page, as \`${folder}\`. Any static server can serve both.

\`\`\`html
<!doctype html>
<output></output>
<script type="module">
  import { load } from './${folder}/index.js';

  const output = document.querySelector('output');
  const model = await load();
  ${generate}
    output.append(${shown});
</script>
\`\`\`

A page computes with several threads if its server sends
\`Cross-Origin-Opener-Policy: same-origin\` and \`Cross-Origin-Embedder-Policy: require-corp\`.

## With other libraries

Each of these modules is a script of its own, and only an app that imports it contains it. The file
with its types, such as \`react.d.ts\`, has examples.

${faces.join('\n')}

## Licence

The scripts and kernels are Lamella's, under the MIT licence. The weights and the tokenizer have
the licence that their author chose. See [LICENSE](LICENSE).
`;
}

/**
 * LICENSE: a package contains a large part of Lamella, whose licence must be in every copy. The
 * compiler cannot state the licence of the weights.
 */
export const licence = `The weights (weights-*.bin) and the tokenizer (tokenizer.bin, tokenizer_config.*) have the
licence that their author chose. It is not stated here.

Everything else in this package is a part of Lamella or written by it, and has this licence:

MIT License

Copyright (c) 2026 The Lamella authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`;
