/**
 * Chooses the session that computes a request, so that the turns of a conversation find its keys
 * and values although other conversations were computed in between.
 *
 * A request continues a conversation if it begins with all that the last request of the session
 * had. Of several such sessions, the one with the longest request is taken. Another request gets
 * the session that was unused for the longest time; if it shares a long beginning with some
 * session, such as a system prompt, it starts from a copy of that.
 */
import type { Model, Session } from '@lamella/runtime/api';

/** Sessions, or the model itself, which has one sequence. */
export type Generates = Pick<Model, 'generate'> | Session;

/**
 * Characters that must be shared for a copy of keys and values, which costs as much as some tokens.
 */
const WORTH_A_COPY = 400;

interface Slot {
  session: Session;
  /** The last request, as text. */
  text: string;
}

export class Sessions {
  readonly #model: Model;
  /** The one unused for the longest time first. */
  readonly #slots: Slot[];

  private constructor(model: Model, slots: Slot[]) {
    this.#model = model;
    this.#slots = slots;
  }

  /** Opens `count` sessions. With one, the sequence that the model has anyway is enough. L447. */
  static async open(model: Model, count: number): Promise<Sessions> {
    const slots: Slot[] = [];
    if (count > 1) while (slots.length < count) slots.push({ session: await model.session(), text: '' });
    return new Sessions(model, slots);
  }

  /** The session for a request with this text. `null` is a request that continues nothing. */
  async choose(text: string | null): Promise<Generates> {
    if (text === null || this.#slots.length === 0) return this.#model;
    const continued = this.#slots.filter((slot) => slot.text !== '' && text.startsWith(slot.text));
    const slot = longest(continued, ({ text }) => text.length) ?? (await this.#replaced(text));
    slot.text = text;
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    this.#slots.push(slot);
    return slot.session;
  }

  async #replaced(text: string): Promise<Slot> {
    const oldest = this.#slots[0]!;
    const near = longest(this.#slots, (slot) => common(slot.text, text));
    if (near && near !== oldest && common(near.text, text) >= WORTH_A_COPY) {
      oldest.session.dispose();
      oldest.session = await near.session.clone();
    }
    return oldest;
  }
}

function longest(slots: readonly Slot[], length: (slot: Slot) => number): Slot | null {
  return slots.reduce<Slot | null>((best, slot) => (best && length(best) >= length(slot) ? best : slot), null);
}

function common(a: string, b: string): number {
  let count = 0;
  while (count < a.length && a[count] === b[count]) count++;
  return count;
}
