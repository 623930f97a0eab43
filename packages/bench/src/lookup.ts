/**
 * `npm run bench:lookup -- PACKAGE...`: the speed of answers with prompt lookup and without it, in
 * turns. The answers are given, so that a model without training copies as much as a trained one:
 * each step of the model and each choice is computed, then the answer's own token follows. A token
 * is a word, or a mark between words.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { currentNode } from '@lamella/hosts/current-node';
import { readManifest } from '@lamella/runtime/manifest-file';
import { nodeFiles } from '@lamella/runtime/node-files';
import { Session } from '@lamella/runtime/session';
import { Steps } from '@lamella/runtime/steps';
import { loadWasm } from '@lamella/runtime/wasm-driver';

const letter = `Dear Ms. Okafor, thank you for your letter of the third of March about the roof of the school
in Harbor Street. Our engineer has looked at it on Tuesday and found that eleven tiles are broken and that the gutter
on the north side leaks. We can repair both in the second week of April, while the children are on holiday, and the work
takes four days. The tiles cost 380 euros, the gutter 145 euros and the work 1,250 euros. If you agree, please sign the
form that is enclosed and send it back before the end of this month, so that we can order the tiles in time. Until then
we have covered the hole with a sheet, which will keep out the rain but not a storm. Yours sincerely, Tomas Lindqvist`;
const edited = [
  ['Ms. Okafor', 'Mr. and Ms. Okafor'],
  ['on Tuesday', 'on Thursday'],
  ['eleven', 'twelve'],
  ['380 euros', '410 euros'],
  ['the form that is enclosed', 'the enclosed form'],
  ['a sheet, which will keep out', 'a sheet. It will keep out'],
].reduce((text, [from, to]) => text.replace(from!, to!), letter);

const request = `Functions: send_message(recipient, subject, body), create_event(title, place, day, guests).
Write to tomas.lindqvist@example.org with the subject "Roof of the school in Harbor Street" that "we agree with the
repair in the second week of April and have signed the form", and put the visit of the engineer at the school in Harbor
Street on Tuesday into my calendar with Amara Okafor and Tomas Lindqvist as guests.`;
const calls = `{"name": "send_message", "arguments": {"recipient": "tomas.lindqvist@example.org", "subject": "Roof of the
school in Harbor Street", "body": "we agree with the repair in the second week of April and have signed the form"}}
{"name": "create_event", "arguments": {"title": "visit of the engineer", "place": "the school in Harbor Street", "day":
"Tuesday", "guests": ["Amara Okafor", "Tomas Lindqvist"]}}`;

const question = 'Why is the sea salt, and why are most lakes not? Explain it to a child, please.';
const explanation = `Rain falls on mountains and washes tiny grains out of their rocks. Some of these grains are salts.
Rivers carry them down, so little in each glass that nobody tastes it. When water reaches an ocean it stays there until
sunshine turns part of it into vapor, and vapor rises alone: everything dissolved is left behind. Clouds form, drift over
land, and begin again. After many million years a great deal has gathered. Lakes differ because most have an outlet. What
flows in also leaves, together with whatever came along, and nothing can pile up. Where no stream leads away, as at Utah's
famous basin or between Israel and Jordan, evaporation alone removes water, and such lakes become even saltier than any sea.
You may try this at home: put some soil into a funnel with paper, pour warm tap water through, then let your plate dry.`;

/** What is written, and from what. */
const works: Readonly<Record<string, readonly [prompt: string, answer: string]>> = {
  'editing a letter': [letter, edited],
  'arguments of calls': [request, calls],
  'text without repeats': [question, explanation],
};
const ROUNDS = 5;
const greedy = { temperature: 0, seed: 0 };
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

async function measure(folder: string): Promise<void> {
  const files = await nodeFiles(folder);
  const manifest = await readManifest(files);
  const driver = await loadWasm(manifest, files, { threads: 1 });
  const session = new Session(manifest, driver);
  const ids = new Map<string, number>();
  /** Each word has an id of its own while the vocabulary lasts. */
  const tokensOf = (text: string) =>
    (text.match(/\w+|[^\w\s]/g) ?? []).map((word) => {
      if (!ids.has(word)) ids.set(word, (3 + ids.size) % manifest.vocab);
      return ids.get(word)!;
    });

  /** Milliseconds of the answer, and its steps. */
  async function written(prompt: readonly number[], answer: readonly number[], lookup?: boolean) {
    session.reset();
    await session.prefill(prompt);
    const steps = new Steps(session, prompt, lookup);
    const start = performance.now();
    for (const [i, token] of answer.entries()) {
      if (i > 0) await steps.compute([answer[i - 1]!], prompt.length + answer.length, async () => true);
      session.choose(greedy, session.context);
      steps.push(token);
    }
    return { ms: performance.now() - start, steps: steps.count };
  }

  for (const [name, texts] of Object.entries(works)) {
    const [prompt, answer] = texts.map(tokensOf) as [number[], number[]];
    const ratios: number[] = [];
    const times: number[] = [];
    let taken = 0;
    // The first round warms up, and measures the steps.
    for (let round = 0; round <= ROUNDS; round++) {
      const without = await written(prompt, answer, false);
      const { ms, steps } = await written(prompt, answer);
      taken = steps;
      if (round === 0) continue;
      ratios.push(without.ms / ms);
      times.push(without.ms / answer.length);
    }
    console.log(
      `${manifest.name} ${manifest.quant}, ${driver.running.kernels}, 1 thread, ${name}: ${answer.length} tokens in ${taken} steps, ` +
        `${median(times).toFixed(2)} ms a token without lookup, ${median(ratios).toFixed(2)} times as fast with it`,
    );
  }
  driver.dispose();
}

const folders = process.argv.slice(2).filter((argument) => argument !== '--here');
if (folders.length === 0) throw new Error('usage: npm run bench:lookup -- PACKAGE...');
// A current Node has relaxed SIMD; npm may run in an older one.
if (process.argv.includes('--here')) for (const folder of folders) await measure(folder);
else {
  const args = ['--import', import.meta.resolve('tsx'), fileURLToPath(import.meta.url), '--here', ...folders];
  process.exitCode = spawnSync(currentNode(), args, { stdio: 'inherit' }).status ?? 1;
}
