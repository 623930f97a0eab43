/** The app: a conversation with what it may ask, and beside it (on a phone, below it) what computes the answers. */
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Composer } from './composer.tsx';
import { turns } from './conversation.ts';
import { DevicePanel } from './device-panel.tsx';
import { Logo } from './icons.tsx';
import { LoadFailure } from './load-failure.tsx';
import { DeviceButton, LoadingBar } from './loading.tsx';
import { Sheet } from './sheet.tsx';
import { TurnView } from './turn.tsx';
import { Welcome } from './welcome.tsx';

const roomy = matchMedia('(min-width: 64rem)');
const isRoomy = signal(roomy.matches);
roomy.addEventListener('change', () => {
  isRoomy.value = roomy.matches;
});
const sheetIsOpen = signal(false);

export function App() {
  // The panel beside it comes a picture after the conversation: to draw both at once takes long enough to be felt.
  const [first, setFirst] = useState(true);
  useEffect(() => setFirst(false), []);
  return (
    <div class="app">
      <header>
        <h1>
          <Logo />
          Lamella <span>assistant</span>
        </h1>
        {!isRoomy.value && <DeviceButton onClick={() => (sheetIsOpen.value = true)} />}
        <LoadingBar />
      </header>
      <main>
        <Conversation />
        <Composer />
      </main>
      {isRoomy.value ? (
        <aside aria-label="Device and model">{!first && <DevicePanel />}</aside>
      ) : (
        <Sheet label="Device and model" open={sheetIsOpen}>
          <DevicePanel />
        </Sheet>
      )}
    </div>
  );
}

/** Scrolls along with what is being written, unless the reader has scrolled away from it. */
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
        {count === 0 ? <Welcome /> : null}
        <div role="log" aria-label="Conversation">
          {turns.value.map((turn, i) => (
            <TurnView key={i} turn={turn} />
          ))}
        </div>
      </div>
    </div>
  );
}
