/**
 * The functions that the assistant calls, as described in its training data, and example requests.
 * The test sends every example to the compiled package.
 */
import described from '../../../graphs/assistant/functions.json' with { type: 'json' };

export interface FunctionOf {
  readonly name: string;
  /** Required arguments, in the order in which they are written. */
  readonly required: readonly string[];
}

export const functions: readonly FunctionOf[] = described.map(({ name, parameters }) => ({
  name,
  required: parameters.required,
}));

export const examples: readonly { readonly of: string; readonly request: string }[] = [
  { of: 'send_email', request: 'Email ana.diaz@northwind.org about the spring budget' },
  { of: 'create_calendar_event', request: 'Schedule a team meeting on March 14 2026 at 3:30 pm' },
  { of: 'show_map', request: 'How do I get to the harbor in Zurich?' },
  { of: 'send_email', request: 'Email leo@harbor.io, subject: boat trip, text: the ferry leaves at nine' },
  { of: 'create_calendar_event', request: 'Add piano lesson to my calendar on May 8 2026 at 6 pm' },
  { of: 'show_map', request: 'Show me the botanical garden in Lisbon' },
];

/** `send_email` -> `Send email`: an identifier as readable words. */
export function spoken(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
