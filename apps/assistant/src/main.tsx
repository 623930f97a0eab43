/** Draws the app, loads the model, and then, with the line free again, has the app kept for when there is no network. */
import './style/style.css';
import { options, render } from 'preact';
import { App } from './app.tsx';
import { open, settings, whenReady } from './model.ts';

// Drawing is a task of its own, after the one that has the news and before the browser's layout: none of them is long enough to be felt.
options.debounceRendering = setTimeout;
open(settings.value);
setTimeout(() => render(<App />, document.getElementById('app')!));

// Where nothing can be kept (a page that is not secure, a native shell, which has the files anyway) the app is online only.
const keep = () => navigator.serviceWorker?.register(new URL('service-worker.js', document.baseURI)).catch(() => {});
if (import.meta.env.PROD) whenReady().then(keep, keep);
