/**
 * The app: a conversation with its input, and beside it (on a phone, below it) a panel with the
 * device that computes the answers.
 */
import { signal } from '@preact/signals';
import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Composer } from './composer.tsx';
import { turns } from './conversation.ts';
import { DevicePanel } from './device-panel.tsx';
import { Logo } from './icons.tsx';
import { LoadFailure } from './load-failure.tsx';
import { DeviceButton, LoadingBar } from './loading.tsx';
import { nextFrame } from './next-frame.ts';
import { Sheet } from './sheet.tsx';
import { TurnView } from './turn.tsx';
import { Welcome } from './welcome.tsx';

const roomy = matchMedia('(min-width: 64rem)');
const isRoomy = signal(roomy.matches);
roomy.addEventListener('change', () => {
  isRoomy.value = roomy.matches;
});
const sheetIsOpen = signal(false);

/**
 * How many parts of the app are drawn: the frame, then the header, the conversation, the example
 * requests, and the panel beside them.
 */
const parts = signal(1);

/**
 * Draws the app, each part in its own frame: drawn at once, with fonts still loading, they would
 * block the page for a noticeable time. Resolves when the last part is drawn.
 */
export async function drawApp(root: Element): Promise<void> {
  // Draws in a later task than the one that evaluates the script.
  await new Promise((resolve) => setTimeout(resolve));
  render(<App />, root);
  for (await nextFrame(); parts.value < 5; await nextFrame()) parts.value++;
}

function App() {
  return (
    <div class="app">
      <header>
        {parts.value > 1 && (
          <>
            <h1>
              <Logo />
              Lamella <span>assistant</span>
            </h1>
            {!isRoomy.value && <DeviceButton onClick={() => (sheetIsOpen.value = true)} />}
            <LoadingBar />
          </>
        )}
      </header>
      <main>
        {parts.value > 2 && <Conversation />}
        {parts.value > 2 && <Composer />}
      </main>
      {isRoomy.value ? (
        <aside aria-label="Device and model">{parts.value > 4 && <DevicePanel />}</aside>
      ) : (
        <Sheet label="Device and model" open={sheetIsOpen}>
          <DevicePanel />
        </Sheet>
      )}
    </div>
  );
}

/** Scrolls to the end as an answer grows, unless the reader has scrolled away from it. */
function Conversation() {
  const view = useRef<HTMLDivElement>(null);
  const count = turns.value.length;
  useEffect(() => {
    const { current } = view;
    if (!current || count === 0) return;
    let follow = true;
    const end = () => {
      if (follow) current.scrollTop = current.scrollHeight;
    };
    const look = () => {
      follow = current.scrollHeight - current.scrollTop - current.clientHeight < 48;
    };
    const watcher = new ResizeObserver(end);
    watcher.observe(current.firstElementChild!);
    current.addEventListener('scroll', look, { passive: true });
    return () => {
      watcher.disconnect();
      current.removeEventListener('scroll', look);
    };
  }, [count]);
  return (
    <div class="conversation" ref={view}>
      <div class="column">
        <LoadFailure />
        {count === 0 ? <Welcome withExamples={parts.value > 3} /> : null}
        <div role="log" aria-label="Conversation">
          {turns.value.map((turn, i) => (
            <TurnView key={i} turn={turn} />
          ))}
        </div>
      </div>
    </div>
  );
}
