// A server that a bundler makes one file of: the package it came with, and one whose path it is given.
import { load } from 'lamella-text';

const answer = async (model) => (await model.generate('call mom', { maxTokens: 12 }).result()).tokens;
const found = await load(process.argv[2], { threads: 2 });
const byPath = await answer(found);
const own = await load().then(answer, (error) => error.message);
process.stdout.write(JSON.stringify({ own, byPath, threads: found.running.threads }));
