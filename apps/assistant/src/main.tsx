/**
 * Draws the app, loads the model, and then, when network and processor are free again, stores the
 * app for use without a network.
 */
import './style/style.css';
import { effect } from '@preact/signals';
import { options } from 'preact';
import { drawApp } from './app.tsx';
import { busy } from './conversation.ts';
import { loading, open, settings } from './model.ts';
import { nextFrame } from './next-frame.ts';

// Drawing is a separate task, after the one that changes the state and before the browser's layout,
// so that no task is long enough to be noticed.
options.debounceRendering = setTimeout;
open(settings.value, drawApp(document.getElementById('app')!));

// Where a service worker cannot be registered (on an insecure page, or in a native shell, which has
// the files anyway) the app works online only.
const keep = () => navigator.serviceWorker?.register(new URL('service-worker.js', document.baseURI)).catch(() => {});
if (import.meta.env.PROD) {
  const forget = effect(() => {
    if (loading.value.kind === 'loading' || busy.value) return;
    nextFrame().then(keep);
    queueMicrotask(() => forget());
  });
}
