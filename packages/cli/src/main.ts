/**
 * Entry of the `lamella` command: runs the command and turns any failure into one message and exit
 * code 1.
 */

import { unwritable } from './files.ts';
import { lateFailureOf } from './model/guest.ts';
import { announceSlowFiles } from './model/still-running.ts';
import { runCommand } from './program.ts';
import { reportFailure } from './terminal/failure.ts';

// A reader that stops early (`lamella compile --emit wat | head`) is not a failure.
for (const name of ['stdout', 'stderr'] as const) {
  process[name].on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw unwritable(name, error, 'another place for what is printed');
  });
}
// An author's file can fail after its command (a rejected promise, a timer that throws). That is
// reported like any failure; of several, the first.
let uncaught: Promise<never> | null = null;
process.on('uncaughtException', (error) => {
  uncaught ??= reportFailure(lateFailureOf(error), process.argv).then((code) => process.exit(code));
});

announceSlowFiles();
try {
  await runCommand(process.argv.slice(2));
} catch (error) {
  process.exitCode = await reportFailure(error, process.argv);
}
// Exits explicitly, because an author's file may leave a timer that never ends.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))));
await new Promise(setImmediate);
await uncaught;
process.exit();
