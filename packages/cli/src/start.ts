/**
 * `npm start`: the shipped assistant from graph to answer. Compiles `graphs/assistant.ts` with its
 * trained weights, answers a request (typed on a terminal, else a default one), and prints the
 * speed and what to try next.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import type { Model } from '@lamella/runtime/api';
import { compile } from './commands/compile.ts';
import { stream, summary } from './commands/run.ts';
import { openPackage } from './package/open-package.ts';
import { reportFailure } from './terminal/failure.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const out = join('out', 'assistant');
const defaultRequest = 'How do I get to the harbor in Zurich?';

async function start(): Promise<void> {
  process.chdir(root);
  process.stderr.write('compiling graphs/assistant.ts\n');
  await compile(join('graphs', 'assistant.ts'), { weights: join('graphs', 'assistant'), out });
  const model = await openPackage(out);
  process.stdout.write(
    '\nA small model, run by the package that was just compiled: it turns a request into a function call.\n',
  );
  process.stdout.write('It can send an email, create a calendar event and show a map.\n\n');
  if (process.stdin.isTTY) await conversation(model);
  else await answer(model, defaultRequest);
  process.stdout.write(
    [
      '',
      'Try next:',
      `  npx lamella run ${out} --prompt "Email anna@example.com about the meeting"`,
      `  npx lamella inspect ${out}`,
      '  npx lamella new my-model',
      '',
    ].join('\n'),
  );
}

/** Answers requests until an empty line or the end of input. */
async function conversation(model: Model): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  terminal.on('SIGINT', () => terminal.close());
  process.stdout.write(`Type a request, for example: ${defaultRequest} An empty line ends.\n`);
  terminal.setPrompt('> ');
  terminal.prompt();
  for await (const line of terminal) {
    if (line.trim() === '') break;
    await answer(model, line.trim(), '');
    terminal.prompt();
  }
  terminal.close();
}

async function answer(model: Model, request: string, echo = `> ${request}\n`): Promise<void> {
  process.stdout.write(echo);
  const generation = model.generate(request);
  await stream(generation, true);
  process.stdout.write(`${summary(generation)}\n`);
}

try {
  await start();
} catch (error) {
  process.exitCode = await reportFailure(error, process.argv);
}
