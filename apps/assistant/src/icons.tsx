/**
 * Line icons on a grid of 24. Each stands beside a text, so none has an accessible name of its own.
 */
import type { ComponentChildren } from 'preact';

function icon(drawing: ComponentChildren) {
  return () => (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      {drawing}
    </svg>
  );
}

export const Mail = icon(
  <>
    <rect x="3" y="5" width="18" height="14" rx="3" />
    <path d="m4 8 8 6 8-6" />
  </>,
);
export const Calendar = icon(
  <>
    <rect x="4" y="5" width="16" height="16" rx="3" />
    <path d="M4 10h16M8.5 3v4M15.5 3v4" />
    <circle cx="12" cy="15.5" r="1.5" />
  </>,
);
export const Pin = icon(
  <>
    <path d="M12 21.5c4.4-4.6 6.6-8.3 6.6-11.3a6.6 6.6 0 1 0-13.2 0c0 3 2.2 6.7 6.6 11.3Z" />
    <circle cx="12" cy="10" r="2.4" />
  </>,
);
export const Braces = icon(
  <path d="M9 4c-2 0-3 1-3 3v2c0 2-1 3-2.5 3C5 12 6 13 6 15v2c0 2 1 3 3 3M15 4c2 0 3 1 3 3v2c0 2 1 3 2.5 3-1.5 0-2.5 1-2.5 3v2c0 2-1 3-3 3" />,
);
export const Send = icon(<path d="M12 19.5V5M5.5 11.2 12 4.7l6.5 6.5" />);
export const Stop = icon(<rect x="7" y="7" width="10" height="10" rx="2" class="filled" />);
export const Check = icon(<path d="m5.5 12.5 4.3 4.3L18.5 8" />);
export const Copy = icon(
  <>
    <rect x="8.5" y="8.5" width="11.5" height="11.5" rx="2.5" />
    <path d="M15.5 5.5A2 2 0 0 0 13.5 4H6.5A2.5 2.5 0 0 0 4 6.5v7a2 2 0 0 0 1.5 2" />
  </>,
);
export const Close = icon(<path d="m6.5 6.5 11 11M17.5 6.5l-11 11" />);
export const Alert = icon(
  <>
    <path d="M12 4 21 19.5H3Z" />
    <path d="M12 10v4.5M12 17v.01" />
  </>,
);
export const Chip = icon(
  <>
    <rect x="6.5" y="6.5" width="11" height="11" rx="2.5" />
    <path d="M10 3v3.5M14 3v3.5M10 17.5V21M14 17.5V21M3 10h3.5M3 14h3.5M17.5 10H21M17.5 14H21" />
  </>,
);

/** The icon of a function; braces for a function without an icon. */
export function FunctionIcon({ name }: { readonly name: string }) {
  const Icon = { send_email: Mail, create_calendar_event: Calendar, show_map: Pin }[name] ?? Braces;
  return <Icon />;
}

/** Thin plates in a stack. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
      <path d="m12 3.5 8.5 4.3L12 12.1 3.5 7.8Z" class="filled" />
      <path d="m3.5 12 8.5 4.3 8.5-4.3" opacity="0.75" />
      <path d="m3.5 16.2 8.5 4.3 8.5-4.3" opacity="0.45" />
    </svg>
  );
}
