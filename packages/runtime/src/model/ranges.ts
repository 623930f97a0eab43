/** The range of an argument: reads a value, or refuses it with its text and remedy. */
export interface Range<T> {
  readonly text: string;
  readonly remedy: string;
  /** The value, copied if it could change later; null if it is out of range. */
  read(value: unknown): T | null;
}

export const range = <T>(text: string, remedy: string, holds: (value: unknown) => value is T): Range<T> => ({
  text,
  remedy,
  read: (value) => (holds(value) ? value : null),
});

export const whole = (least: number, remedy: string): Range<number> =>
  range(
    `a whole number of at least ${least}`,
    remedy,
    (v): v is number => Number.isSafeInteger(v) && Number(v) >= least,
  );

export const number = (text: string, remedy: string, holds: (value: number) => boolean): Range<number> =>
  range(text, remedy, (v): v is number => typeof v === 'number' && Number.isFinite(v) && holds(v));

/** A text with each lone half of a surrogate pair replaced by U+FFFD, as `TextEncoder` does. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');
