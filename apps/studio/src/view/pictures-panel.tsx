/** The pictures and figures of the last version without a fault. */
import { picture } from '../version.ts';
import { Markup } from './markup.tsx';
import { StaleNote } from './stale-note.tsx';
import { isShown } from './tabs.tsx';

export function PicturesPanel() {
  return (
    <section id="panel-pictures" role="tabpanel" aria-labelledby="tab-pictures" hidden={!isShown('pictures')}>
      <StaleNote what="pictures" />
      {picture.value ? (
        <Markup id="pictures" markup={picture.value.markup} />
      ) : (
        <div class="report">
          <p class="lead">The first picture appears when the compiler has started.</p>
        </div>
      )}
    </section>
  );
}
