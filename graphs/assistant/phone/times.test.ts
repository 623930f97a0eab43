/**
 * The times of the generator mean what a person means: fixed cases, and a calendar that counts days
 * one by one.
 */
import { expect, test } from 'vitest';
import { Random } from '../random.ts';
import { type Clock, changed, clock, type Day, dateOf, day, duration, moment, momentIn, momentOf } from './times.ts';

/** A calendar of its own: the days from 2024-01-01, a Monday, one after the other. */
const calendar: { date: string; weekday: number }[] = [];
for (let year = 2024, weekday = 1; year < 2034; year++) {
  const leap = year % 4 === 0;
  [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].forEach((days, month) => {
    for (let date = 1; date <= days; date++, weekday = (weekday + 1) % 7)
      calendar.push({
        date: `${year}-${String(month + 1).padStart(2, '0')}-${String(date).padStart(2, '0')}`,
        weekday,
      });
  });
}
const indexOf = new Map(calendar.map(({ date }, index) => [date, index]));

function expectedDate(now: string, said: Day): string {
  const today = indexOf.get(now.slice(0, 10))!;
  if (said.kind === 'after') return calendar[today + said.days]!.date;
  let at = today + 1;
  if (said.kind === 'weekday') {
    if (said.next) while (calendar[at]!.weekday !== 1) at++;
    while (calendar[at]!.weekday !== said.weekday) at++;
  } else
    while (
      Number(calendar[at]!.date.slice(8)) !== said.day ||
      (said.month !== undefined && Number(calendar[at]!.date.slice(5, 7)) !== said.month)
    )
      at++;
  return calendar[at]!.date;
}

/** Steps through the minutes of the day, or of now and the next day, until the hands are right. */
function expectedMoment(now: string, said: Day | undefined, time: Clock, waking: boolean): string | undefined {
  const today = now.slice(0, 10);
  const other = said && !(said.kind === 'after' && said.days === 0);
  const first = indexOf.get(other ? expectedDate(now, said) : today)!;
  const last = said ? first : first + 1;
  for (let index = first; index <= last; index++)
    for (let hour = 0; hour < 24; hour++) {
      const moment = `${calendar[index]!.date}T${String(hour).padStart(2, '0')}:${String(time.minute).padStart(2, '0')}`;
      if (!other && moment <= now) continue;
      if (time.half === '24' ? hour !== time.hour : hour % 12 !== time.hour % 12) continue;
      if (time.half === 'am' && hour >= 12) continue;
      if (time.half === 'pm' && hour < 12) continue;
      if (time.half === undefined && waking && (hour < 7 || hour > 22)) continue;
      if (time.half === undefined && !waking && other && time.hour === 12 && hour === 0) continue;
      return moment;
    }
  return undefined;
}

test('dates and moments agree with a calendar that counts', () => {
  const random = new Random(5);
  for (let round = 0; round < 4000; round++) {
    const { date } = random.pick(calendar.slice(0, 3000));
    const now = `${date}T${String(random.below(24)).padStart(2, '0')}:${String(random.below(60)).padStart(2, '0')}`;
    const on = random.chance(0.4) ? undefined : day(random).day;
    const { clock: time } = clock(random);
    const waking = random.chance(0.5);
    if (on) expect([now, on, dateOf(now, on)]).toEqual([now, on, expectedDate(now, on)]);
    expect([now, on, time, waking, momentOf(now, on, time, waking)]).toEqual([
      now,
      on,
      time,
      waking,
      expectedMoment(now, on, time, waking),
    ]);
  }
});

test.each([
  // Friday morning
  ['2026-11-27T08:12', { kind: 'weekday', weekday: 5, next: false }, '2026-12-04'],
  ['2026-11-27T08:12', { kind: 'weekday', weekday: 5, next: true }, '2026-12-04'],
  ['2026-11-27T08:12', { kind: 'weekday', weekday: 0, next: false }, '2026-11-29'],
  ['2026-11-27T08:12', { kind: 'weekday', weekday: 0, next: true }, '2026-12-06'],
  // Wednesday
  ['2026-11-25T08:12', { kind: 'weekday', weekday: 5, next: false }, '2026-11-27'],
  ['2026-11-25T08:12', { kind: 'weekday', weekday: 5, next: true }, '2026-12-04'],
  // Sunday: the next week begins tomorrow
  ['2026-11-29T23:59', { kind: 'weekday', weekday: 1, next: true }, '2026-11-30'],
  ['2028-02-28T10:30', { kind: 'after', days: 1 }, '2028-02-29'],
  ['2027-12-31T10:30', { kind: 'after', days: 1 }, '2028-01-01'],
  ['2026-01-31T10:30', { kind: 'date', day: 30 }, '2026-03-30'],
  ['2026-03-10T10:30', { kind: 'date', day: 10, month: 3 }, '2027-03-10'],
] as const)('from %s, %o is %s', (now, on, date) => {
  expect(dateOf(now, on)).toBe(date);
});

test.each([
  ['2026-11-27T08:12', undefined, { hour: 8, minute: 0 }, true, '2026-11-27T20:00'],
  ['2026-11-27T08:12', undefined, { hour: 3, minute: 0 }, true, '2026-11-27T15:00'],
  ['2026-11-27T15:30', undefined, { hour: 3, minute: 0 }, true, '2026-11-28T15:00'],
  ['2026-11-27T15:30', undefined, { hour: 3, minute: 0 }, false, '2026-11-28T03:00'],
  ['2026-11-27T22:30', undefined, { hour: 7, minute: 0 }, false, '2026-11-28T07:00'],
  ['2026-11-27T08:12', { kind: 'after', days: 1 }, { hour: 5, minute: 0 }, false, '2026-11-28T05:00'],
  ['2026-11-27T08:12', { kind: 'after', days: 1 }, { hour: 5, minute: 0 }, true, '2026-11-28T17:00'],
  ['2026-11-27T08:12', { kind: 'after', days: 1 }, { hour: 12, minute: 0 }, false, '2026-11-28T12:00'],
  ['2026-11-27T08:12', { kind: 'after', days: 0 }, { hour: 7, minute: 0, half: 'am' }, false, undefined],
  ['2026-12-31T08:12', undefined, { hour: 0, minute: 0, half: '24' }, true, '2027-01-01T00:00'],
] as const)('from %s, %o at %o (waking %s) is %s', (now, on, time, waking, value) => {
  expect(momentOf(now, on, time, waking)).toBe(value);
});

test('minutes from now pass midnight and the end of February', () => {
  expect(momentIn('2027-02-28T23:50', 20)).toBe('2027-03-01T00:10');
  expect(momentIn('2028-02-28T23:50', 20)).toBe('2028-02-29T00:10');
});

test('what is said is what is meant', () => {
  const random = new Random(7);
  const lengths = new Map(Array.from({ length: 2000 }, () => duration(random)).map((said) => [said.text, said.value]));
  expect(lengths.get('an hour and a half')).toBe('PT1H30M');
  expect(lengths.get('90 seconds') ?? 'PT90S').toBe('PT90S');
  for (const [text, value] of lengths) {
    const plain = /^(\d+) (minutes|hours|seconds)$/.exec(text);
    if (plain) expect(value).toBe(`PT${plain[1]}${plain[2]![0]!.toUpperCase()}`);
  }
  const now = '2026-11-27T08:12';
  for (let round = 0; round < 5000; round++) {
    const { text, value } = moment(now, true, false, random);
    expect(value > now).toBe(true);
    const minutes = /^in (\d+) minutes$/.exec(text);
    if (minutes) expect(value).toBe(momentIn(now, Number(minutes[1])));
    const clear = /^(?:tomorrow at |at (?=.* tomorrow$))(\d+)(am|pm)(?: tomorrow)?$/.exec(text);
    if (clear)
      expect(value).toBe(
        `2026-11-28T${String((Number(clear[1]) % 12) + (clear[2] === 'pm' ? 12 : 0)).padStart(2, '0')}:00`,
      );
  }
});

test('a change keeps the day, or the time of day, and the half of the day', () => {
  const random = new Random(9);
  for (let round = 0; round < 2000; round++) {
    const { text, value } = changed('2026-11-27T08:12', '2026-12-01T19:15', random);
    const hour = /^(?:at )?(\d+)$/.exec(text);
    if (hour) expect(value).toBe(`2026-12-01T${(Number(hour[1]) % 12) + 12}:00`);
    if (text === 'tomorrow') expect(value).toBe('2026-11-28T19:15');
  }
});
