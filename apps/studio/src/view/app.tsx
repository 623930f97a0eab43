/**
 * The page: the code, and beside it (on a narrow screen, in its place) one view of the compiler's
 * result.
 */
import { isStale } from '../version.ts';
import { CodePanel } from './code-panel.tsx';
import { KernelsPanel } from './kernels-panel.tsx';
import { PicturesPanel } from './pictures-panel.tsx';
import { RunPanel } from './run-panel.tsx';
import { Tabs } from './tabs.tsx';
import { Top } from './top.tsx';

export function App() {
  return (
    <div class={isStale.value ? 'app stale' : 'app'}>
      <Top />
      <main>
        <Tabs />
        <CodePanel />
        <PicturesPanel />
        <KernelsPanel />
        <RunPanel />
      </main>
    </div>
  );
}
