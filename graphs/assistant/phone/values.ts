/**
 * The copied values of slots: names, places, titles and texts, composed from lists of words. Every
 * fifth word of a list is held out: values of the vocabulary `heldout` use these words, values of
 * training never do. A third of the words in training is made up, because copying has to work for
 * words that no list has.
 */
import type { Random } from '../random.ts';
import { madeUpWord, type Vocabulary, word } from '../words.ts';

const LISTS = {
  relation:
    'mum dad wife husband brother sister mom grandma boss neighbour son granny uncle aunt landlord daughter cousin partner teacher roommate girlfriend boyfriend nephew niece grandpa',
  trade:
    'plumber dentist vet doctor electrician babysitter lawyer caretaker gardener accountant school office garage bank trainer hotel insurance nurse nursery pharmacist',
  group: 'team family neighbours choir committee club band flatmates parents crew',
  verb: 'bring fix buy clean pay check move find water feed open wash paint return charge cancel fetch order print book sign call send close empty collect pack renew answer tidy',
  thing:
    'keys car milk rent bins bread cat window umbrella report cake tickets plants oven charger boxes dog bike laundry suitcase passport eggs stamps kettle curtains invoice ladder forms guitar present tyres bulbs medicine jacket glasses washing cheese tent towels wallet',
  state:
    'late ready broken here empty fine home sick cold closed done early lost busy sold hungry outside waiting stuck full tired open booked dirty wet green cancelled urgent asleep free',
  moment:
    'later|soon|tomorrow|tonight|at eight|today|now|on monday|at lunch|at ten|after work|next week|in a minute|at noon|this weekend',
  music:
    'jazz rock queen classical abba techno blues metallica folk rain radiohead summer pop adele reggae beatles mozart salsa eminem piano opera prince soul bowie lofi drums rihanna country sleep workout',
  sport: 'running swimming yoga cycling rowing boxing walking tennis skating climbing',
  language:
    'spanish french german italian dutch polish greek turkish swedish japanese korean arabic latin danish hindi',
  dish: 'pizza sushi burger salad curry soup noodles tacos kebab pasta ramen falafel sandwich steak pancakes',
  app: 'spotify maps whatsapp chrome netflix gmail youtube instagram telegram notes camera signal tiktok slack zoom',
  room: 'kitchen bedroom bathroom hall office garage attic cellar nursery living-room',
  door: 'front back garage cellar balcony side patio main kitchen garden',
  food: 'pasta eggs rice cake roast tea bread chicken potatoes cookies noodles beans pizza soup fish',
  chore:
    'laundry gym meds airport school nap meeting homework shift pills dishes bus swim parking game train dog workout oven walk',
} as const;

type List = keyof typeof LISTS;

const all = (list: List): readonly string[] => LISTS[list].split(list === 'moment' ? '|' : ' ');

/** The words of a list that are in a vocabulary. */
function wordsOf(list: List, vocabulary: Vocabulary): readonly string[] {
  return all(list).filter((each, index) => (vocabulary === 'heldout' ? index % 5 === 4 : !HELD_OUT_WORDS.has(each)));
}
/** Words that are held out in any list of this file. */
export const HELD_OUT_WORDS: ReadonlySet<string> = new Set(
  (Object.keys(LISTS) as List[]).flatMap((list) => all(list).filter((_, index) => index % 5 === 4)),
);

/** The source of a value: words of a vocabulary, chosen by a seeded generator. */
interface Source {
  readonly vocabulary: Vocabulary;
  readonly random: Random;
}

function pick(list: List, { vocabulary, random }: Source): string {
  if (vocabulary === 'train' && random.chance(0.2)) return newWord(random);
  return random.pick(wordsOf(list, vocabulary));
}

function newWord(random: Random): string {
  for (;;) {
    const made = madeUpWord(random);
    if (!HELD_OUT_WORDS.has(made)) return made;
  }
}

/** A word of the lists that the first assistant used, without the words that are held out here. */
function old(list: Parameters<typeof word>[0], { vocabulary, random }: Source): string {
  for (;;) {
    const made = word(list, vocabulary, random);
    if (vocabulary === 'heldout' || !HELD_OUT_WORDS.has(made)) return made;
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const oneOf = (random: Random, ...makers: readonly (() => string)[]): string => random.pick(makers)();

function person(source: Source): string {
  const { random } = source;
  const name = () => (random.chance(0.5) ? capital(old('first', source)) : old('first', source));
  return oneOf(
    random,
    () => pick('relation', source),
    () => pick('relation', source),
    () => pick('trade', source),
    name,
    name,
    name,
    () => `${name()} ${capital(old('last', source))}`,
    () =>
      `${random.pick(['dr', 'Dr.', 'mr', 'Mr.', 'mrs', 'Mrs', 'ms', 'aunt', 'uncle', 'auntie'])} ${capital(old('last', source))}`,
    () => `${pick('group', source)} group`,
  );
}

function phone({ random }: Source): string {
  const digits = (count: number) => Array.from({ length: count }, () => String(random.below(10))).join('');
  return oneOf(
    random,
    () => `0${digits(3)} ${digits(3)} ${digits(3 + random.below(2))}`,
    () => `+${1 + random.below(98)} ${digits(3)} ${digits(3)} ${digits(4)}`,
    () => `0${digits(4)} ${digits(6)}`,
    () => `${digits(3)}-${digits(4)}`,
    () => `0${digits(9)}`,
    () => `0${digits(1)} ${digits(2)} ${digits(2)} ${digits(2)} ${digits(2)}`,
  );
}

function email(source: Source): string {
  const { random } = source;
  const name = oneOf(
    random,
    () => old('first', source),
    () => `${old('first', source)}.${old('last', source)}`,
    () => `${old('first', source).charAt(0)}.${old('last', source)}`,
    () => `${old('last', source)}${random.below(100)}`,
    () => random.pick(['info', 'post', 'hello', 'sales']),
  );
  return `${name}@${old('host', source)}.${old('tld', source)}`;
}

function place(source: Source): string {
  const { random } = source;
  const business = () => old('business', source);
  const city = () => (random.chance(0.4) ? capital(old('place', source)) : old('place', source));
  return oneOf(
    random,
    city,
    city,
    business,
    business,
    () => `nearest ${business()}`,
    () => `${business()} near me`,
    () => `${old('street', source)} ${business()}`,
    () => `${business()} ${old('place', source)}`,
    () => `${business()} in ${city()}`,
    () => `${1 + random.below(200)} ${capital(old('street', source))} ${capital(old('road', source))}`,
    () => `${capital(old('street', source))} ${capital(old('road', source))}, ${capital(old('place', source))}`,
    () => `${old('first', source)}'s ${random.pick(['place', 'house', 'flat'])}`,
    () => `room ${1 + random.below(40)}`,
  );
}

function event(source: Source): string {
  const { random } = source;
  const kind = () => old('event', source);
  return oneOf(
    random,
    kind,
    kind,
    () => `${kind()} with ${person(source)}`,
    () => `${kind()} with ${old('first', source)}`,
    () => `${old('topic', source)} ${kind()}`,
    () => `${old('adjective', source)} ${kind()}`,
    () => `${pick('relation', source)}s birthday`,
    () => `${pick('sport', source)} ${random.pick(['class', 'club', 'lesson'])}`,
    () => `train to ${old('place', source)}`,
  );
}

function subject(source: Source): string {
  const topic = () => old('topic', source);
  return oneOf(
    source.random,
    topic,
    topic,
    () => `${old('adjective', source)} ${topic()}`,
    () => `${topic()} ${topic()}`,
    () => `${topic()} for ${old('first', source)}`,
  );
}

/** A short clause, as in a message. */
function clause(source: Source): string {
  const { random } = source;
  const thing = () => pick('thing', source);
  const state = () => pick('state', source);
  const verb = () => pick('verb', source);
  return oneOf(
    random,
    () => `${random.pick(['i am', "i'm", 'im', 'we are', "we're", "i'll be"])} ${state()}`,
    () => `${random.pick(['i am', "i'm", 'im', 'we are'])} ${state()} ${pick('moment', source)}`,
    () => `the ${thing()} ${random.pick(['is', 'are', 'will be', 'was'])} ${state()}`,
    () => `${random.pick(['can', 'could', 'will'])} you ${verb()} the ${thing()}${random.pick(['', '?'])}`,
    () =>
      `${random.pick(['i', 'we'])} ${random.pick(['will', 'must', 'have to', 'cant', "can't", 'want to'])} ${verb()} the ${thing()}`,
    () => `${random.pick(["don't", 'dont', 'please', 'do not'])} ${verb()} the ${thing()}`,
    () =>
      `${random.pick(['where', 'how'])} ${random.pick(['is', 'are'])} ${random.pick(['the', 'my', 'your'])} ${thing()}${random.pick(['', '?'])}`,
    () => `${random.pick(['thanks', 'thank you'])} for the ${thing()}`,
    () => `see you ${pick('moment', source)}`,
    () => `${random.pick(['happy', 'merry', 'good'])} ${random.pick(['birthday', 'easter', 'luck', thing()])}`,
    () => `${thing()} ${random.pick(['and', 'or'])} ${thing()}`,
    () => `${old('first', source)} ${random.pick(['has', 'needs', 'took', 'wants'])} the ${thing()}`,
    () => `if ${random.pick(['he', 'she', 'you'])} ${random.pick(['has', 'have', 'needs'])} the ${thing()}`,
    () =>
      Array.from({ length: 1 + random.below(5) }, () =>
        random.pick([thing, state, verb, () => old('topic', source)])(),
      ).join(' '),
  );
}

function message(source: Source): string {
  const { random } = source;
  const text = random.chance(0.25)
    ? `${clause(source)}${random.pick([' and ', ', ', ' but '])}${clause(source)}`
    : clause(source);
  const cased = random.chance(0.3) ? capital(text) : text;
  return random.chance(0.08) ? cased + random.pick(['!', '!!', '.', ' x', ' :)']) : cased;
}

function task(source: Source): string {
  const { random } = source;
  const verb = () => pick('verb', source);
  const thing = () => pick('thing', source);
  return oneOf(
    random,
    () => `${verb()} the ${thing()}`,
    () => `${verb()} the ${thing()}`,
    () => `${verb()} ${thing()}`,
    () => `${verb()} ${person(source)}`,
    () => `${verb()} ${random.pick(['my', 'a', 'new', 'some'])} ${thing()}`,
    () => `${verb()} the ${thing()} and ${verb()} the ${thing()}`,
    () => `${verb()} ${thing()} for ${person(source)}`,
    () => `${verb()} the ${thing()} to ${old('business', source)}`,
  );
}

function memo(source: Source): string {
  const { random } = source;
  const thing = () => pick('thing', source);
  return oneOf(
    random,
    () => message(source),
    () => `${thing()} ${thing()} ${thing()} and ${thing()}`,
    () => `${thing()} number ${random.below(10_000)}`,
    () => `the ${thing()} costs ${1 + random.below(200)}`,
    () => `${old('first', source)} ${random.pick(['likes', 'needs', 'has', 'broke'])} ${thing()}`,
    () =>
      `${old('topic', source)} ${random.pick(['code', 'gate', 'row', 'level'])} ${random.pick(['', 'A', 'B', 'C'])}${random.below(999)}`,
    () => `the ${old('topic', source)} is with ${person(source)}`,
  );
}

function music(source: Source): string {
  const { random } = source;
  const word = () => pick('music', source);
  return oneOf(
    random,
    word,
    word,
    () => `${word()} ${word()}`,
    () => `${old('adjective', source)} ${word()}`,
    () => `${word()} by ${old('first', source)} ${old('last', source)}`,
    () => `${capital(old('first', source))} ${capital(old('last', source))}`,
    () => `something ${pick('state', source)}`,
    () => `${random.pick(['the ', ''])}${word()} playlist`.replace(/^the /, ''),
  );
}

const list =
  (name: List) =>
  (source: Source): string =>
    pick(name, source);

/** Makers of copied values, by the word that the tables of `functions.ts` use. */
export const MAKERS = {
  person,
  fullname: (source: Source) =>
    source.random.chance(0.6) ? `${capital(old('first', source))} ${capital(old('last', source))}` : person(source),
  caller: (source: Source) => (source.random.chance(0.08) ? phone(source) : person(source)),
  mailbox: (source: Source) => (source.random.chance(0.4) ? email(source) : person(source)),
  phone,
  email,
  place,
  city: (source: Source) => {
    const city = old('place', source);
    return source.random.chance(0.5) ? capital(city) : city;
  },
  event,
  subject,
  label: (source: Source) => (source.random.chance(0.5) ? pick('food', source) : pick('chore', source)),
  music,
  message,
  task,
  memo,
  language: list('language'),
  dish: list('dish'),
  app: list('app'),
  room: list('room'),
  door: list('door'),
  sport: list('sport'),
  thing: list('thing'),
  code: ({ random }: Source) =>
    `${random.pick(['', 'AB', 'X', 'LH', 'ZK'])}${1000 + random.below(9000)}${random.pick(['', 'C', 'K7'])}`,
  number: ({ random }: Source) => String(random.chance(0.7) ? 1 + random.below(100) : 5 * (1 + random.below(20))),
} as const;

/** A maker of copied values, or a kind of time, which `times.ts` makes. */
export type Maker = keyof typeof MAKERS | 'when' | 'moment' | 'date' | 'duration';
