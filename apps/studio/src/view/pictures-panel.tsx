/**
 * The pictures and figures of the last version without a fault. For a comparison, those of an
 * earlier version or of another graph stay beside them.
 */
import { signal } from '@preact/signals';
import type { Picture } from '../compile/protocol.ts';
import { picture } from '../version.ts';
import { Markup } from './markup.tsx';
import { StaleNote } from './stale-note.tsx';
import { isShown } from './tabs.tsx';

/** The version that later ones are compared with; null without a comparison. */
const kept = signal<Picture | null>(null);

export function PicturesPanel() {
  const now = picture.value;
  return (
    <section id="panel-pictures" role="tabpanel" aria-labelledby="tab-pictures" hidden={!isShown('pictures')}>
      <StaleNote what="pictures" />
      {now && (
        <div class="comparison">
          <button
            type="button"
            aria-pressed={kept.value !== null}
            onClick={() => (kept.value = kept.value ? null : now)}
          >
            Compare
          </button>
          <p>
            {kept.value
              ? 'Now edit the graph, or open another.'
              : 'Keeps these figures beside those of later versions.'}
          </p>
        </div>
      )}
      {now && kept.value && (
        <div class="side-by-side">
          <section aria-label="Kept">
            <Markup id="kept-summary" markup={kept.value.summary} />
          </section>
          <section aria-label="In the editor">
            <Markup id="summary" markup={now.summary} />
          </section>
        </div>
      )}
      {now && !kept.value && <Markup id="pictures" markup={now.markup} />}
      {!now && (
        <div class="report">
          <p class="lead">The first picture appears when the compiler has started.</p>
        </div>
      )}
    </section>
  );
}
