/**
 * The wordings of a second request about the first: the value that a question asked for (`answer`),
 * another value (`change`), a slot that was not stated (`add`), or the end of the matter (`drop`).
 */
import type { Format } from './answer.ts';

export interface Wordings {
  readonly train: readonly string[];
  readonly heldout: readonly string[];
}

const of = (train: string, heldout: string): Wordings => {
  const lines = (text: string) => text.split(';').map((line) => line.trim());
  return { train: lines(train), heldout: heldout === '' ? [] : lines(heldout) };
};
const NONE: Wordings = { train: [], heldout: [] };

const named = of(
  '{value}; (my|the|) {value}; to (my|the|) {value}; {value} please; it is {value}; (the|my) {value} of course',
  'i was thinking of (the|my|) {value}; that would be {value}',
);
const time = of(
  '{=value}; {value}; for {=value}; {value} please; i think {value}; make it {=value}',
  'let us say {=value}; {value} would be good',
);
const number = of('{value}; to {value}; {value} please; make it {value}', 'perhaps {value}; i would go for {value}');

const changeName = of(
  'no, {value}; no, to (my|the|) {value}; no (my|the) {value}; sorry, i meant (my|the|) {value}; i mean {value}; not that, (the|my|) {value}; (the|my|) {value} instead; actually {value}; make (it|that) {value}; oops {value}',
  'that was wrong, it should be {value}; replace it with {value}',
);
const changeTime = of(
  'make it {value} instead; make it {value}; make that {value}; actually {value}; no, {value}; sorry, {value}; change it to {value}; can we do {value}; {value} instead; {value} is better; move it to {value}; i meant {value}',
  'on second thought {value}; {value} suits me more',
);

export const FOLLOW_UPS: {
  readonly answer: Readonly<Record<Format, Wordings>>;
  readonly change: Readonly<Record<Format, Wordings>>;
  readonly add: Readonly<Record<Format, Wordings>>;
  readonly drop: Wordings;
} = {
  answer: {
    person: named,
    place: named,
    name: of(
      '{value}; it is {value}; (the|a) {value}; call it {value}; {value} please',
      'the name would be {value}; i call it {value}',
    ),
    text: of(
      '{value}; that {value}; "{value}"; say {value}; write {value}; just {value}',
      'it should read {value}; put {value}',
    ),
    phone: of('{value}; it is {value}; the number is {value}', 'here you go, {value}'),
    email: of('{value}; it is {value}; the address is {value}', 'here you go, {value}'),
    date: time,
    when: time,
    moment: time,
    duration: of(
      '{value}; for {value}; {value} please; make it {value}; about {value}',
      'let us say {value}; {value} will do',
    ),
    number,
  },
  change: {
    person: changeName,
    place: changeName,
    name: changeName,
    text: of(
      'say {value} instead; no, write {value}; write {value}; change the text to {value}; no, "{value}"',
      'it should rather be {value}; i would prefer {value}',
    ),
    phone: of('no, {value}; sorry, it is {value}; change it to {value}', 'that was wrong, {value}'),
    email: of('no, {value}; sorry, it is {value}; change it to {value}', 'that was wrong, {value}'),
    date: changeTime,
    when: changeTime,
    moment: changeTime,
    duration: changeTime,
    number: changeTime,
  },
  add: {
    person: NONE,
    place: of(
      'at (the|) {value}; in {value}; and in {value}; (it is|) at (the|) {value}; what about {value}',
      'the place is {value}; i talk of the one in {value}',
    ),
    name: of(
      'call it {value}; about (the|) {value}; for (the|) {value}; label it {value}; name it {value}',
      'the name should be {value}',
    ),
    text: of(
      'and say {value}; and write {value}; tell them {value}; with the text {value}',
      'the text should be {value}',
    ),
    phone: of(
      'the number is {value}; {value} is the number; (his|her) number is {value}; phone {value}',
      'you can reach them at {value}',
    ),
    email: of(
      'the (mail|email) is {value}; {value} is the (mail|email); with email {value}',
      'they read mail at {value}',
    ),
    date: of('{value}; and {value}; what about {value}; and {=value}', 'and how about {value}'),
    when: of('{value}; {value} please; make it {value}; and do it {value}', 'the time is {=value}'),
    moment: of('{value}; {value} please; make it {value}', 'the time is {=value}'),
    duration: of('for {value}; make it {value} long; it takes {value}; {value} long', 'it will last {value}'),
    number: of('for {value}; make it {value}; {value}', 'there are {value}'),
  },
  drop: of(
    'never mind; forget it; cancel that; stop; no; thanks; thank you; thx; great; perfect; ok thanks; no wait, leave it; not now; nothing',
    'let it be; scrap that; that is all for today; lovely, cheers',
  ),
};
