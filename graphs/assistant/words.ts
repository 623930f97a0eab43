/**
 * The words of slot values. Each list is split once, by position: every fifth word is held out, so
 * that held-out values use words that no training value contains. Words shared on purpose (`with`,
 * `for`, `the`) are in `connectives`.
 */
import type { Random } from './random.ts';

/** The words, dates and made-up words from which a value may be built. */
export type Vocabulary = 'train' | 'heldout';

const lists = {
  first:
    'ana ben carla david elena farid grace hugo ines jonas kim lena marco nadia omar paula quinn rosa sam tara umar vera will xenia yusuf zoe alice boris chloe dmitri emma felix gina henry iris jack kara leo mina noah olga peter ruth simon tina ursula victor wendy aaron bella colin diana ethan fiona george hana ivan julia kevin laura mike nora oscar priya ravi sofia tom uma vince yara adam betty cyrus dora eric frida gabe holly isaac jane kyle lucy max nina otto pam rita stan thea bruno clara dan eva finn greta harry ida jim kate luke mary nick olive paul ray sue ted vicky',
  last: 'adams baker clark diaz evans fischer garcia hughes ito jones khan lopez moore novak ortiz patel quist rossi silva turner ueda vargas walsh xu young zhang allen brown chen dubois ellis foster green hall ivanov jensen klein lee meyer nguyen owens price reed smith torres vogel weber yamada bauer costa dunn ford grant hill kelly long mason nash park rivera scott tran wood ward',
  host: 'example acme northwind contoso fabrikam globex initech umbra vertex lumen harbor pixel orchard summit cobalt meadow quartz ember falcon juniper maple nimbus onyx prairie raven sierra tundra velvet willow zephyr atlas beacon cedar delta echo fjord granite helix indigo jade kestrel lotus mail inbox post mango nova orbit',
  tld: 'com org net io dev co edu info app eu de fr',
  topic:
    'budget invoice lunch report meeting schedule contract project travel holiday proposal feedback interview deadline payment order delivery refund survey training workshop launch release roadmap newsletter agenda minutes presentation draft review garden kitchen car house rent lease ticket concert dinner party birthday wedding picnic hike exam homework thesis lecture salary promotion visa passport insurance warranty printer laptop server password account subscription membership donation recipe playlist photo video logo website design prototype bug patch backup migration audit tax receipt quote estimate shipment package inventory forecast target pipeline',
  adjective:
    'new old final first second quarterly monthly weekly annual yearly urgent quick short long big small late early revised updated missing broken red blue green quiet local global internal public private team spring summer autumn winter next last open lost shared signed',
  event:
    'dentist doctor standup lunch dinner breakfast coffee meeting interview haircut yoga gym swim run class lecture call sync review demo retro workshop rehearsal party picnic concert flight checkup vet massage training tutoring exam game match practice brunch barbecue hike tour inspection delivery pickup planning kickoff webinar seminar briefing handover ceremony reunion recital screening hearing',
  business:
    'cafe bakery pharmacy supermarket library museum park restaurant hotel hospital bank gym school airport station cinema theater bookstore florist barber zoo aquarium beach stadium mosque church temple market mall garage playground pool garden gallery bar pub diner pizzeria brewery hostel clinic laundromat',
  place:
    'paris london berlin tokyo madrid rome vienna oslo dublin lisbon prague athens cairo nairobi lagos lima bogota quito havana toronto boston chicago denver seattle austin miami dallas portland phoenix atlanta delhi mumbai seoul osaka kyoto hanoi bangkok manila sydney perth auckland geneva zurich lyon nice milan naples porto seville bilbao hamburg munich cologne bremen ghent bruges utrecht bergen turku tallinn riga vilnius krakow gdansk brno split zagreb',
  street:
    'oak maple elm cedar pine river lake hill church mill park station king queen bridge market garden forest spring harbor castle tower school sunset ocean valley north south east west college union liberty franklin lincoln jackson',
  road: 'street road avenue lane drive square way court boulevard place',
  sentence:
    'see you there|thanks for your help|the files are ready|i will be late|call me back soon|please bring the slides|the price is fine|we need more time|it works now|let me know|everything is paid|the train was cancelled|i like the second one|can we talk tomorrow|the key is under the mat|no changes needed|dinner is at eight|send me the numbers|my phone is broken|we are on our way|the room is booked|i found your jacket|nothing new today|it arrived this morning|do not wait for me|the test passed|good luck with it|all seats are taken|ask the front desk|we start on time|the plan has changed|happy to help|keep the receipt|i will pay next week|the door code is 4512|two people are missing|please sign page three|water the plants|see the attached list|bring warm clothes',
} as const;

type List = keyof typeof lists;

/** Function words that values of both vocabularies may contain. */
export const connectives: readonly string[] = ['with', 'for', 'in', 'near', 'the', 'and'];

// Closed kinds (address endings, street kinds) are not tested: both vocabularies use all of them.
const closed: readonly List[] = ['tld', 'road'];
/** The words of the closed lists. */
export const closedWords: readonly string[] = closed.flatMap((name) => lists[name].split(' '));

const names = Object.keys(lists) as readonly List[];
/** One entry per list. */
const each = (words: (name: List) => readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, words(name)] as const)) as Record<List, readonly string[]>;

const all = each((name) => lists[name].split(name === 'sentence' ? '|' : ' '));
const heldOutOf = (name: List) => all[name].filter((_, index) => index % 5 === 4);

/**
 * All words that are held out in some list; each is removed from the training side of all lists.
 */
const heldOut: ReadonlySet<string> = new Set(names.filter((name) => !closed.includes(name)).flatMap(heldOutOf));

const words: Record<Vocabulary, Record<List, readonly string[]>> = {
  heldout: each((name) => (closed.includes(name) ? all[name] : heldOutOf(name))),
  train: each((name) => (closed.includes(name) ? all[name] : all[name].filter((word) => !heldOut.has(word)))),
};

const onsets = 'b c d f g h j k l m n p r s t v w z br ch cl dr fl gr kr pl sh sk sl st th tr'.split(' ');
const vowels = 'a e i o u a e i o ai ea ee io ou'.split(' ');
const codas = ['', '', '', 'n', 'r', 's', 'l', 't', 'm', 'k', 'nd', 'x'];

/**
 * A made-up word of one to three syllables. The model must be able to copy unknown words, so
 * training is full of them.
 */
export function madeUpWord(random: Random): string {
  for (;;) {
    let word = '';
    for (let left = 1 + random.below(3); left > 0; left--) word += random.pick(onsets) + random.pick(vowels);
    word += random.pick(codas);
    if (!heldOut.has(word) && word.length > 2) return word;
  }
}

/** A word of a list; in training, one in three is made up. */
export function word(list: List, vocabulary: Vocabulary, random: Random): string {
  const madeUp = vocabulary === 'train' && !closed.includes(list) && list !== 'sentence' && random.chance(0.35);
  return madeUp ? madeUpWord(random) : random.pick(words[vocabulary][list]);
}
