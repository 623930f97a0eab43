/** What a value that somebody hands over may be: read, or refused in the words of its range. */
export interface Range<T> {
  readonly text: string;
  readonly remedy: string;
  /** The value, copied where it could change; null when it is out of range. */
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
