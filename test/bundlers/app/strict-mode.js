// React's StrictMode mounts, unmounts and mounts again while it is developed with: what the first mount began is aborted, and the second answers.

import { load } from 'lamella-bare';
import { createElement, StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

const loading = load();

/** How each mount ended, in the order of mounts. */
globalThis.mounts = [];

function Answer() {
  const [tokens, setTokens] = useState(null);
  useEffect(() => {
    const mount = globalThis.mounts.push('running') - 1;
    const control = new AbortController();
    loading
      .then((model) => model.generate([1, 2, 3], { maxTokens: 12, signal: control.signal }).result())
      .then(({ tokens, finishReason }) => {
        globalThis.mounts[mount] = finishReason;
        if (finishReason !== 'abort') setTokens(tokens);
      })
      .catch((error) => {
        globalThis.mounts[mount] = String(error);
      });
    return () => control.abort();
  }, []);
  return tokens && createElement('output', null, tokens.join(' '));
}

createRoot(document.body).render(createElement(StrictMode, null, createElement(Answer)));
