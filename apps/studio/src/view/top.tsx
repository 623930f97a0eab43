/**
 * The head of the page: its name, the open file, the options for compiling, and the state of
 * the compilation.
 */
import { type FormatName, formatNames, type KvName, kvNames } from '@lamella/runtime/choices';
import { forgetFile } from '../document/file.ts';
import { isLive } from '../live/live.ts';
import { templates } from '../templates.ts';
import { open, opened, options, setOptions, status } from '../version.ts';
import { DocumentButtons } from './document-buttons.tsx';
import { LiveFile } from './live-bar.tsx';

export function Top() {
  return (
    <header class="top">
      <h1>
        <Logo /> Lamella <span>studio</span>
      </h1>
      <div class="controls">
        {isLive ? <LiveFile /> : <TemplateChoice />}
        {!isLive && <DocumentButtons />}
        <label>
          Weights{' '}
          <select
            id="quant"
            value={options.value.quant}
            onChange={({ currentTarget }) => setOptions({ quant: currentTarget.value as FormatName })}
          >
            {formatNames.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Keys and values{' '}
          <select
            id="kv"
            value={options.value.kv}
            onChange={({ currentTarget }) => setOptions({ kv: currentTarget.value as KvName })}
          >
            {kvNames.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </div>
      <StatusLine />
    </header>
  );
}

function TemplateChoice() {
  const isOther = !templates.some(({ file }) => file === opened.value.file);
  return (
    <label>
      Model{' '}
      <select
        id="template"
        value={opened.value.file}
        onChange={({ currentTarget }) => {
          forgetFile();
          open(templates.find(({ file }) => file === currentTarget.value)!);
        }}
      >
        {isOther && <option value={opened.value.file}>{opened.value.file}</option>}
        {templates.map(({ file }) => (
          <option key={file} value={file}>
            {file.replace(/^graphs\/|\.ts$/g, '')}
          </option>
        ))}
      </select>
    </label>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      {['2', '5.3', '8.6', '12'].map((y) => (
        <rect key={y} x="1" y={y} width="14" height="2" rx="1" />
      ))}
    </svg>
  );
}

function StatusLine() {
  const { state, text } = status.value;
  return (
    <p id="status" role="status" data-state={state}>
      <i aria-hidden="true" />
      <span>{text}</span>
    </p>
  );
}
