/** Draws the app, loads the model, and then, with line and processor free again, has the app kept for when there is no network. */
import './style/style.css';
import { effect } from '@preact/signals';
import { options } from 'preact';
import { drawApp } from './app.tsx';
import { busy } from './conversation.ts';
import { loading, open, settings } from './model.ts';
import { nextFrame } from './next-frame.ts';

// Drawing is a task of its own, after the one that has the news and before the browser's layout: none of them is long enough to be felt.
options.debounceRendering = setTimeout;
open(settings.value, drawApp(document.getElementById('app')!));

// Where nothing can be kept (a page that is not secure, a native shell, which has the files anyway) the app is online only.
const keep = () => navigator.serviceWorker?.register(new URL('service-worker.js', document.baseURI)).catch(() => {});
if (import.meta.env.PROD) {
  const forget = effect(() => {
    if (loading.value.kind === 'loading' || busy.value) return;
    nextFrame().then(keep);
    queueMicrotask(() => forget());
  });
}
