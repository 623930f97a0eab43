/** Entry of the `lamella` command: runs what was asked and turns any failure into one message and exit code 1. */
import { reportFailure } from './failure.ts';
import { runCommand } from './program.ts';

// A reader that stops early (`lamella compile --emit wat | head`) is not a failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
// What an author's file leaves behind (a promise that is rejected, a timer that throws) is told like any failure.
process.on('uncaughtException', async (error) => process.exit(await reportFailure(error, process.argv)));

try {
  await runCommand(process.argv.slice(2));
} catch (error) {
  process.exitCode = await reportFailure(error, process.argv);
}
