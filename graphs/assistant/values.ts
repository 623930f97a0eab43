/**
 * The values of a request's slots: addresses, subjects, titles, places and moments, composed from
 * `words.ts`.
 */
import type { Random } from './random.ts';
import { type Vocabulary, word } from './words.ts';

/** A slot's text in the request and its JSON value; they differ only for moments. */
export interface Value {
  readonly text: string;
  readonly json: string;
}

const same = (text: string): Value => ({ text, json: text });
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const maybeCapital = (text: string, random: Random) => (random.chance(0.3) ? capital(text) : text);

/** An address such as `ana.diaz@northwind.org`. */
export function address(vocabulary: Vocabulary, random: Random): Value {
  const first = word('first', vocabulary, random);
  const last = word('last', vocabulary, random);
  const local = random.pick([
    () => first,
    () => first,
    () => `${first}.${last}`,
    () => `${first}_${last}`,
    () => `${first.charAt(0)}${last}`,
    () => `${first}${random.below(100)}`,
    () => `${last}.${first}`,
  ])();
  const host = word('host', vocabulary, random);
  const domain = random.pick([
    () => host,
    () => host,
    () => host,
    () => `${host}-${word('host', vocabulary, random)}`,
  ])();
  return same(`${local}@${domain}.${word('tld', vocabulary, random)}`);
}

export function subject(vocabulary: Vocabulary, random: Random): Value {
  const topic = () => word('topic', vocabulary, random);
  const adjective = () => word('adjective', vocabulary, random);
  const text = random.pick([
    () => topic(),
    () => `${adjective()} ${topic()}`,
    () => `${adjective()} ${topic()}`,
    () => `the ${topic()}`,
    () => `the ${adjective()} ${topic()}`,
    () => `${topic()} ${topic()}`,
    () => `${topic()} and ${topic()}`,
    () => `${topic()} for ${capital(word('first', vocabulary, random))}`,
  ])();
  return same(maybeCapital(text, random));
}

export function body(vocabulary: Vocabulary, random: Random): Value {
  const made = vocabulary === 'train' && random.chance(0.3);
  const text = made
    ? Array.from({ length: 2 + random.below(4) }, () => word('topic', vocabulary, random)).join(' ')
    : word('sentence', vocabulary, random);
  return same(maybeCapital(text, random));
}

export function title(vocabulary: Vocabulary, random: Random): Value {
  const event = word('event', vocabulary, random);
  const text = random.pick([
    () => event,
    () => `${word('topic', vocabulary, random)} ${event}`,
    () => `${word('adjective', vocabulary, random)} ${event}`,
    () => `${event} with ${capital(word('first', vocabulary, random))}`,
    () => `${event} with ${capital(word('first', vocabulary, random))} ${capital(word('last', vocabulary, random))}`,
    () => `${word('adjective', vocabulary, random)} ${word('topic', vocabulary, random)} ${event}`,
  ])();
  return same(maybeCapital(text, random));
}

export function place(vocabulary: Vocabulary, random: Random): Value {
  const city = () => capital(word('place', vocabulary, random));
  const street = () => `${capital(word('street', vocabulary, random))} ${capital(word('road', vocabulary, random))}`;
  const business = () => word('business', vocabulary, random);
  return same(
    random.pick([
      city,
      () => `${1 + random.below(300)} ${street()}`,
      () => `${1 + random.below(300)} ${street()}, ${city()}`,
      () => `${street()}, ${city()}`,
      () => `${capital(word('street', vocabulary, random))} ${capital(business())}`,
      () => `the ${business()} in ${city()}`,
      () => `${word('adjective', vocabulary, random)} ${business()} near ${street()}`,
      () => `${business()} in ${city()}`,
      () => `${city()} ${business()}`,
    ])(),
  );
}

const months = 'January February March April May June July August September October November December'.split(' ');
const daysIn = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const two = (n: number) => String(n).padStart(2, '0');

/** One day of the year in five is held out: training never contains it. */
export const isHeldOutDay = (month: number, day: number) => (month * 7 + day * 3) % 5 === 4;

/** A day and time, written out in full ("on March 14 2026 at 3:30 pm"), and its ISO form. */
export function moment(vocabulary: Vocabulary, random: Random): Value {
  let month = 0;
  let day = 0;
  do {
    month = 1 + random.below(12);
    day = 1 + random.below(daysIn[month - 1] ?? 28);
  } while (isHeldOutDay(month, day) !== (vocabulary === 'heldout'));
  const year = 2025 + random.below(6);
  const hour = random.chance(0.8) ? 7 + random.below(15) : random.below(24);
  const minute = random.pick([0, 0, 0, 30, 15, 45, 5 * random.below(12), random.below(60)]);
  const name = months[month - 1] ?? '';
  const short = name.slice(0, 3);
  const date = random.pick([
    `${year}-${two(month)}-${two(day)}`,
    `${year}-${two(month)}-${two(day)}`,
    `${name} ${day} ${year}`,
    `${name} ${day}, ${year}`,
    `${day} ${name} ${year}`,
    `${short} ${day} ${year}`,
    `${day} ${short} ${year}`,
  ]);
  const half = hour < 12 ? 'am' : 'pm';
  const hour12 = hour % 12 === 0 ? 12 : hour % 12;
  const time = random.pick([
    () => `${two(hour)}:${two(minute)}`,
    () => `${two(hour)}:${two(minute)}`,
    () => (minute === 0 ? `${hour12} ${half}` : `${hour12}:${two(minute)} ${half}`),
    () => (minute === 0 ? `${hour12}${half}` : `${hour12}:${two(minute)}${half}`),
  ])();
  const text = random.pick([
    `on ${date} at ${time}`,
    `on ${date} at ${time}`,
    `at ${time} on ${date}`,
    `${date} ${time}`,
  ]);
  return { text, json: `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:00` };
}
