/**
 * A panel that rises from the lower edge of a small screen; Escape, a tap outside it, or its button
 * closes it.
 */
import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Close } from './icons.tsx';

interface SheetProps {
  readonly label: string;
  readonly open: Signal<boolean>;
  readonly children: ComponentChildren;
}

export function Sheet({ label, open, children }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => {
    open.value = false;
  };
  useEffect(() => {
    if (open.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open.value]);
  return (
    // A click on the dialog element itself is a click outside its content. The keyboard has Escape.
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a modal dialog by itself
    <dialog
      ref={dialog}
      class="sheet"
      aria-label={label}
      onClose={close}
      onClick={({ target }) => target === dialog.current && close()}
    >
      {open.value && (
        <div>
          <button type="button" class="round" onClick={close} aria-label="Close">
            <Close />
          </button>
          {children}
        </div>
      )}
    </dialog>
  );
}
