/**
 * Prints the count of tests as the last line of a run, `123 passed, 0 failed`, for scripts that read
 * only this line.
 */
import type { Reporter, TestModule } from 'vitest/node';

export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const brokenFiles = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0);
    const count = (state: 'passed' | 'failed' | 'skipped') => states.filter((s) => s === state).length;
    const failed = count('failed') + brokenFiles.length + unhandled.length;
    const skipped = count('skipped');
    console.log(`${count('passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }
}
