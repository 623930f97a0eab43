/**
 * Times as people say them, and what they mean: dates, times of day and lengths of time, resolved
 * from `now` by the rules of this folder's README. Everything is local time without a zone, so a
 * day always has 24 hours.
 */
import type { Random } from '../random.ts';

/**
 * A day: some days from today, a weekday (0 is Sunday), or a day of the month, perhaps of a month
 * (1 to 12).
 */
export type Day =
  | { readonly kind: 'after'; readonly days: number }
  | { readonly kind: 'weekday'; readonly weekday: number; readonly next: boolean }
  | { readonly kind: 'date'; readonly day: number; readonly month?: number };

/**
 * A time of day. Without `half`, an hour from 1 to 12 may be before or after noon; with '24' it is
 * from 0 to 23.
 */
export interface Clock {
  readonly hour: number;
  readonly minute: number;
  readonly half?: 'am' | 'pm' | '24';
}

const MINUTES_A_DAY = 1440;
const minutes = (iso: string): number => Date.parse(`${iso}:00Z`) / 60_000;
const iso = (minute: number): string => new Date(minute * 60_000).toISOString().slice(0, 16);

/** The date of `day`, `YYYY-MM-DD`. */
export function dateOf(now: string, day: Day): string {
  const today = Math.floor(minutes(now) / MINUTES_A_DAY);
  const after = (days: number): string => iso((today + days) * MINUTES_A_DAY).slice(0, 10);
  if (day.kind === 'after') return after(day.days);
  const weekday = weekdayOf(now);
  if (day.kind === 'weekday') {
    // Monday is the first day of a week: (weekday + 6) % 7 days have passed before today.
    if (day.next) return after(7 - ((weekday + 6) % 7) + ((day.weekday + 6) % 7));
    return after((day.weekday - weekday + 7) % 7 || 7);
  }
  for (let days = 1; ; days++) {
    const date = after(days);
    if (Number(date.slice(8)) === day.day && (day.month ?? Number(date.slice(5, 7))) === Number(date.slice(5, 7)))
      return date;
  }
}

/** 0 is Sunday. */
export function weekdayOf(now: string): number {
  return new Date(`${now.slice(0, 10)}T00:00Z`).getUTCDay();
}

/**
 * The moment of a time of day, `YYYY-MM-DDTHH:MM`. A `waking` hour without am or pm is read between
 * 07:00 and 22:59, as for appointments; other hours are read as for alarms. The result is undefined
 * if the day is today and the time has passed.
 */
export function momentOf(now: string, day: Day | undefined, clock: Clock, waking: boolean): string | undefined {
  const { hour, minute, half } = clock;
  const early = (half === '24' ? hour : hour % 12) * 60 + minute;
  const both = half === '24' || half === 'am' ? [early] : half === 'pm' ? [early + 720] : [early, early + 720];
  const times = half === undefined && waking ? both.filter((time) => time >= 7 * 60 && time < 23 * 60) : both;
  const at = (date: string, time: number): string => iso(minutes(`${date}T00:00`) + time);
  if (day && !(day.kind === 'after' && day.days === 0)) {
    const noon = !waking && half === undefined && hour === 12;
    return at(dateOf(now, day), times[noon ? 1 : 0]!);
  }
  const today = now.slice(0, 10);
  const days = day ? [today] : [today, dateOf(now, { kind: 'after', days: 1 })];
  return days.flatMap((date) => times.map((time) => at(date, time))).find((moment) => moment > now);
}

/** The moment some minutes from now. */
export const momentIn = (now: string, count: number): string => iso(minutes(now) + count);

/** What was said, and the value of the slot. */
export interface Said {
  readonly text: string;
  readonly value: string;
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const NUMBERS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  );

/** A number as digits, or as a word where it is small. */
function count(n: number, random: Random): string {
  const word = NUMBERS[n];
  return word !== undefined && random.chance(0.3) ? word : String(n);
}

const ordinal = (n: number): string =>
  `${n}${n % 10 === 1 && n !== 11 ? 'st' : n % 10 === 2 && n !== 12 ? 'nd' : n % 10 === 3 && n !== 13 ? 'rd' : 'th'}`;

/** A day and its words; `on` says whether "on" may stand before them. */
export function day(random: Random): { readonly day: Day; readonly text: string; readonly on: boolean } {
  const roll = random.next();
  if (roll < 0.08) return { day: { kind: 'after', days: 0 }, text: 'today', on: false };
  if (roll < 0.36) {
    const text = random.pick(['tomorrow', 'tomorrow', 'tomorrow', 'tmrw', 'tomorow', 'tommorow', '2moro']);
    return { day: { kind: 'after', days: 1 }, text, on: false };
  }
  if (roll < 0.42) return { day: { kind: 'after', days: 2 }, text: 'the day after tomorrow', on: false };
  if (roll < 0.48) {
    const days = 2 + random.below(9);
    return { day: { kind: 'after', days }, text: `in ${count(days, random)} days`, on: false };
  }
  if (roll < 0.52) {
    const weeks = 1 + random.below(3);
    const text =
      weeks === 1 ? random.pick(['in a week', 'a week from now', 'in one week']) : `in ${count(weeks, random)} weeks`;
    return { day: { kind: 'after', days: 7 * weeks }, text, on: false };
  }
  if (roll < 0.85) {
    const weekday = random.below(7);
    const name = random.chance(0.2) ? WEEKDAYS[weekday]!.slice(0, 3) : WEEKDAYS[weekday]!;
    if (random.chance(0.3)) {
      const text = random.pick([`next ${name}`, `next ${name}`, `${name} next week`, `next week ${name}`]);
      return { day: { kind: 'weekday', weekday, next: true }, text, on: false };
    }
    const plain = random.chance(0.85);
    return { day: { kind: 'weekday', weekday, next: false }, text: plain ? name : `this ${name}`, on: plain };
  }
  const date = 1 + random.below(28);
  if (random.chance(0.3)) return { day: { kind: 'date', day: date }, text: `the ${ordinal(date)}`, on: true };
  const month = 1 + random.below(12);
  const name = random.chance(0.3) ? MONTHS[month - 1]!.slice(0, 3) : MONTHS[month - 1]!;
  const text = random.pick([
    `the ${ordinal(date)} of ${name}`,
    `${name} ${ordinal(date)}`,
    `${date} ${name}`,
    `${name} ${date}`,
  ]);
  return { day: { kind: 'date', day: date, month }, text, on: true };
}

/** A time of day and its words, without "at". */
export function clock(random: Random): { readonly clock: Clock; readonly text: string } {
  const hour = 1 + random.below(12);
  const minute = random.pick([0, 0, 0, 0, 15, 30, 30, 45, 10, 20, 40, 50, 5, 25, 35, 55]);
  const digits = String(minute).padStart(2, '0');
  const said = minute === 0 ? count(hour, random) : `${hour}${random.pick([':', ':', ':', ' ', '.'])}${digits}`;
  const roll = random.next();
  if (roll < 0.3)
    return { clock: { hour, minute }, text: minute === 0 && random.chance(0.15) ? `${said} o'clock` : said };
  if (roll < 0.55) {
    const half = random.pick(['am', 'pm'] as const);
    const text = said + random.pick([half, ` ${half}`, ` ${half}`, half.replace('m', '.m.')]);
    return { clock: { hour, minute, half }, text };
  }
  if (roll < 0.65 && hour !== 12) {
    const half = random.pick(['am', 'pm'] as const);
    const part = half === 'am' ? 'morning' : hour < 6 ? 'afternoon' : 'evening';
    return { clock: { hour, minute, half }, text: `${said} in the ${part}` };
  }
  if (roll < 0.8) {
    const named = NUMBERS[hour]!;
    const name = random.chance(0.3) ? String(hour) : named;
    const before = { hour: hour === 1 ? 12 : hour - 1 };
    const [words, value] = random.pick([
      [`half past ${name}`, { hour, minute: 30 }],
      [`half ${named}`, { hour, minute: 30 }],
      [`quarter past ${name}`, { hour, minute: 15 }],
      [`quarter to ${name}`, { ...before, minute: 45 }],
      [`ten past ${name}`, { hour, minute: 10 }],
      [`twenty past ${name}`, { hour, minute: 20 }],
      [`five to ${name}`, { ...before, minute: 55 }],
      [`ten to ${name}`, { ...before, minute: 50 }],
      [`twenty to ${name}`, { ...before, minute: 40 }],
    ] as const);
    return { clock: value, text: words };
  }
  if (roll < 0.85) return { clock: { hour: 12, minute: 0, half: '24' }, text: random.pick(['noon', 'noon', 'midday']) };
  const late = random.chance(0.8) ? 13 + random.below(11) : random.below(10);
  return { clock: { hour: late, minute, half: '24' }, text: `${String(late).padStart(2, '0')}:${digits}` };
}

/** "in 10 minutes", "in an hour and a half". */
function fromNow(now: string, random: Random): Said {
  const [text, many] = length(random);
  return {
    text: `${random.pick(['in', 'in', 'in', 'in about'])} ${text}`,
    value: momentIn(now, Math.max(1, Math.round(many / 60))),
  };
}

/** Parts of the day without an hour. */
function part(now: string, waking: boolean, random: Random): Said | undefined {
  const after = (days: number): Day => ({ kind: 'after', days });
  const [text, when, hour] = random.pick([
    ['tonight', after(0), 20],
    ['this evening', after(0), 19],
    ['this afternoon', after(0), 15],
    ['tomorrow morning', after(1), 9],
    ['tomorrow afternoon', after(1), 15],
    ['tomorrow evening', after(1), 19],
    ['in the morning', undefined, 9],
    ['in the evening', undefined, 19],
    ['at midnight', undefined, 0],
  ] as const);
  const value = momentOf(now, when, { hour, minute: 0, half: '24' }, waking);
  return value === undefined ? undefined : { text, value };
}

/** A moment with its prepositions ("tomorrow at 7", "in 10 minutes"), or bare ("7 tomorrow"). */
export function moment(now: string, waking: boolean, bare: boolean, random: Random): Said {
  for (;;) {
    if (!bare && random.chance(0.15)) return fromNow(now, random);
    const named = random.chance(0.12) ? part(now, waking, random) : undefined;
    if (named && !(bare && /^(in|at) /.test(named.text))) return named;
    const { clock: time, text } = clock(random);
    const at = bare ? text : `at ${text}`;
    if (random.chance(0.06) && time.half === undefined) {
      const value = momentOf(now, { kind: 'after', days: 0 }, { ...time, half: 'pm' }, waking);
      const words = random.pick([`tonight ${at}`, `${at} tonight`, `this evening ${at}`]);
      if (value !== undefined && time.hour > 5 && time.hour < 12) return { text: words, value };
    }
    if (random.chance(0.45)) {
      const value = momentOf(now, undefined, time, waking);
      if (value !== undefined) return { text: at, value };
    }
    const on = day(random);
    const value = momentOf(now, on.day, time, waking);
    if (value === undefined) continue;
    const date = on.on && !bare && random.chance(0.6) ? `on ${on.text}` : on.text;
    return { text: random.pick([`${date} ${at}`, `${date} ${at}`, `${at} ${date}`, `${date}, ${at}`]), value };
  }
}

/** A date with or without "on". */
export function date(now: string, bare: boolean, random: Random): Said {
  const on = day(random);
  return { text: on.on && !bare && random.chance(0.7) ? `on ${on.text}` : on.text, value: dateOf(now, on.day) };
}

/** A length of time: its words, its seconds, and the ISO value in the units of the words. */
function length(random: Random): readonly [text: string, seconds: number, value: string] {
  const roll = random.next();
  const minute = () => random.pick(['minutes', 'minutes', 'min', 'mins', 'minuts', 'm']);
  if (roll < 0.55) {
    const n = random.pick([
      2,
      3,
      4,
      5,
      5,
      6,
      7,
      8,
      9,
      10,
      10,
      12,
      15,
      20,
      25,
      30,
      35,
      40,
      45,
      50,
      55,
      60,
      75,
      90,
      1 + random.below(120),
    ]);
    if (n === 1) return ['a minute', 60, 'PT1M'];
    const gap = random.chance(0.9) ? ' ' : '';
    return [`${gap ? count(n, random) : n}${gap}${minute()}`, n * 60, `PT${n}M`];
  }
  if (roll < 0.68) {
    const n = 1 + random.below(12);
    if (n === 1) return [random.pick(['an hour', 'one hour', '1 hour', '1h']), 3600, 'PT1H'];
    return [`${count(n, random)} ${random.pick(['hours', 'hours', 'hrs', 'h'])}`, n * 3600, `PT${n}H`];
  }
  if (roll < 0.8)
    return random.pick([
      ['half an hour', 1800, 'PT30M'],
      ['an hour and a half', 5400, 'PT1H30M'],
      ['one and a half hours', 5400, 'PT1H30M'],
      ['a quarter of an hour', 900, 'PT15M'],
      ['three quarters of an hour', 2700, 'PT45M'],
      ['two and a half hours', 9000, 'PT2H30M'],
      ['a minute and a half', 90, 'PT1M30S'],
    ] as const);
  if (roll < 0.88) {
    const hours = 1 + random.below(5);
    const n = 5 * (1 + random.below(11));
    const text = random.pick([
      `${hours} hour${hours > 1 ? 's' : ''} and ${n} minutes`,
      `${hours}h ${n}`,
      `${hours}h${n}m`,
      `${hours} hr ${n} min`,
    ]);
    return [text, hours * 3600 + n * 60, `PT${hours}H${n}M`];
  }
  if (roll < 0.93) {
    const n = 1 + random.below(19);
    return [`${count(n, random)} and a half minutes`, n * 60 + 30, `PT${n}M30S`];
  }
  const n = random.pick([10, 15, 20, 30, 40, 45, 60, 90, 5 + random.below(115)]);
  return [`${count(n, random)} ${random.pick(['seconds', 'seconds', 'sec', 'secs'])}`, n, `PT${n}S`];
}

/** A length of time, "an hour and a half". */
export function duration(random: Random): Said {
  const [text, , value] = length(random);
  return { text, value };
}

/**
 * A time of day or a day alone, as a change of `before`: the other part and the half of the day
 * stay.
 */
export function changed(now: string, before: string, random: Random): Said {
  if (before.length === 16 && random.chance(0.6)) {
    const { clock: time, text } = clock(random);
    const half = time.half ?? (before.slice(11) < '12:00' ? 'am' : 'pm');
    const value = momentOf(`${before.slice(0, 10)}T00:00`, undefined, { ...time, half }, false);
    // Midnight itself is not after midnight: read it on the same day.
    const kept = `${before.slice(0, 10)}T${(value ?? before).slice(11)}`;
    return { text: random.pick([text, text, `at ${text}`]), value: kept };
  }
  const said = date(now, false, random);
  return { text: said.text, value: said.value + before.slice(10) };
}
