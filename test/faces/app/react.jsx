// Components in StrictMode, with a record of what they loaded and drew.
import { load } from 'assistant';
import { useGeneration, useModel } from 'assistant/react';
import { Component, StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

globalThis.record = { loads: 0, aborted: 0, frames: 0, drawn: [], models: new Set(), results: [] };
const { record } = globalThis;

/** Counts the frames of the screen. */
function frame() {
  record.frames++;
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);

/** The package's own `load`, counted. */
function counted(url, options) {
  record.loads++;
  options.signal.addEventListener('abort', () => record.aborted++);
  return load(url, options);
}

const paced = new WeakMap();

/** The same model, read by one piece every few frames, so that the page can stop it on any device. */
function slowly(model) {
  const generate = (...given) => {
    const generation = model.generate(...given);
    const pieces = generation[Symbol.asyncIterator]();
    const next = async () => {
      for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
      return pieces.next();
    };
    const read = { next, return: () => pieces.return() };
    return Object.create(generation, {
      [Symbol.asyncIterator]: { value: () => read },
      result: { value: () => generation.result() },
      text: { get: () => generation.text },
      stats: { get: () => generation.stats },
    });
  };
  if (!paced.has(model)) paced.set(model, { generate });
  return paced.get(model);
}

function Chat({ id, slow, own = counted }) {
  const { model, progress, error, retry } = useModel(own, { url: '/assistant/' });
  const { text, isGenerating, finishReason, stats, generate, stop, ...generation } = useGeneration(
    slow && model ? slowly(model) : model,
  );
  if (model) record.models.add(model);
  if (isGenerating && text && text !== record.drawn.at(-1)?.text) record.drawn.push({ text, frame: record.frames });
  const ask = async (prompt, options) => record.results.push(await generate(prompt, options));
  return (
    <section id={id}>
      <progress value={progress} />
      <output>{text}</output>
      <i>{finishReason}</i>
      <b>{String(error ?? generation.error ?? '')}</b>
      <s>{stats?.generatedTokens}</s>
      <button type="button" name="ask" disabled={!model} onClick={() => ask('call mom', { maxTokens: 12 })}>
        ask
      </button>
      <button type="button" name="long" onClick={() => ask([1, 2, 3], { maxTokens: 200, eos: [] })}>
        long
      </button>
      <button type="button" name="wrong" onClick={() => ask('x', { maxTokens: -1 })}>
        wrong
      </button>
      <button type="button" name="stop" onClick={stop}>
        stop
      </button>
      <button type="button" name="retry" onClick={retry}>
        retry
      </button>
    </section>
  );
}

/** Generates as soon as there is a model, as an effect does. */
function Greeting() {
  const { model } = useModel(counted, { url: '/assistant/' });
  const { text, finishReason, generate } = useGeneration(model);
  useEffect(() => {
    if (model) generate('call mom', { maxTokens: 12 }).then((result) => record.results.push(result));
  }, [model, generate]);
  return <output id="greeting">{finishReason && text}</output>;
}

/** Fails until the page sets `works`. */
async function failing(url, options) {
  record.loads++;
  if (!globalThis.works) throw new Error('not now');
  return load(url, options);
}

function Inline() {
  const { error } = useModel((url, options) => counted(url, options), { url: '/assistant/' });
  return <b>{String(error)}</b>;
}

class Boundary extends Component {
  state = { error: null };
  static getDerivedStateFromError = (error) => ({ error });
  render = () => (this.state.error ? <p>{this.state.error.message}</p> : this.props.children);
}

/** Shows what the page sets. */
function App() {
  const [shown, show] = useState('');
  globalThis.showComponents = show;
  return (
    <Boundary key={shown}>
      {shown.includes('first') && <Chat id="first" />}
      {shown.includes('slow') && <Chat id="slow" slow />}
      {shown.includes('second') && <Chat id="second" />}
      {shown.includes('greeting') && <Greeting />}
      {shown.includes('failing') && <Chat id="failing" own={failing} />}
      {shown.includes('inline') && <Inline />}
    </Boundary>
  );
}

createRoot(document.body.appendChild(document.createElement('main'))).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
