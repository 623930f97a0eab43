/**
 * The head of the page: its name, the open template, the options for compiling, and the state of
 * the compilation.
 */
import { type FormatName, formatNames, type KvName, kvNames } from '@lamella/runtime/choices';
import { templates } from '../templates.ts';
import { openTemplate, options, setOptions, status, template } from '../version.ts';

export function Top() {
  return (
    <header class="top">
      <h1>
        <Logo /> Lamella <span>studio</span>
      </h1>
      <div class="controls">
        <label>
          Model{' '}
          <select
            id="template"
            value={template.value.file}
            onChange={({ currentTarget }) => openTemplate(templates[currentTarget.selectedIndex]!)}
          >
            {templates.map(({ file }) => (
              <option key={file} value={file}>
                {file.replace(/^graphs\/|\.ts$/g, '')}
              </option>
            ))}
          </select>
        </label>
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
