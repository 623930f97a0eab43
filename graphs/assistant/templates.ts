/**
 * The wordings of requests. `{slot}` is filled from `values.ts`; `(a|b|)` is a choice. `{when}`
 * includes its own "on ... at ...". The held-out templates are whole wordings that training never
 * contains, not other choices inside a training wording.
 */
export type FunctionName = 'send_email' | 'create_calendar_event' | 'show_map';

export interface Templates {
  readonly train: readonly string[];
  readonly heldout: readonly string[];
}

export const templates: Record<FunctionName, Templates> = {
  send_email: {
    train: [
      '(send|write) (an email|a mail|a message|mail) to {to} (about|regarding|on) {subject}',
      'email {to} (about|regarding|on) {subject}',
      'mail {to} about {subject}',
      '(send|shoot) {to} an email about {subject}',
      '(send|write) {to} a (note|message|mail) (regarding|about) {subject}',
      'let {to} know about {subject}',
      'drop {to} a line about {subject}',
      'write to {to}, subject {subject}',
      'email to {to} with subject "{subject}"',
      '(send|write) an email to {to} with the subject {subject}',
      'email {to}, subject: {subject}',
      'new (email|mail|message) to {to}: {subject}',
      'compose (an email|a mail) to {to} titled {subject}',
      'about {subject}, (email|mail) {to}',
      'i (need|want) to (email|mail|write) {to} about {subject}',
      'can you (email|mail|message) {to} about {subject}',
      'tell {to} by email about {subject}',
      '(email|mail) {to} about {subject} and say {body}',
      'email {to} about {subject} saying {body}',
      '(send|write) an email to {to} about {subject} that says {body}',
      '(send|write) (a mail|an email) to {to}, subject {subject}, body {body}',
      'email {to} subject "{subject}" body "{body}"',
      'email {to}, subject: {subject}, text: {body}',
      'write to {to} about {subject}: {body}',
      'mail {to} regarding {subject} with the text "{body}"',
      '(send|shoot) {to} a mail about {subject}, tell them {body}',
      'message {to} on {subject}: "{body}"',
      'email with subject {subject} to {to}',
      'start an email to {to} on the subject of {subject}',
      'use {subject} as the subject and email {to}',
    ],
    heldout: [
      'reach out to {to} by email regarding {subject}',
      'could you get a message to {to} about {subject}',
      'i have to write {to} an email with subject {subject}',
      'prepare a mail for {to} with the subject "{subject}"',
      'please inform {to} about {subject} by mail',
      'send off an email to {to}, titled {subject}',
      'with subject {subject}, send an email to {to}',
      'make a new message to {to} about {subject} and write {body}',
      'send a message to {to} with subject "{subject}" and body "{body}"',
      'email {to} on {subject}, and tell them {body}',
    ],
  },
  create_calendar_event: {
    train: [
      '(schedule|book|plan) (a|an|my|the|) {title} {when}',
      'add {title} to my calendar {when}',
      'add (a|an|) {title} {when} to (my|the) calendar',
      'put {title} (on|in|into) (my|the) calendar {when}',
      '(create|make|set up) (an event|a calendar event|an appointment) {title} {when}',
      '(create|make) a calendar entry for {title} {when}',
      'new (event|appointment|calendar entry): {title} {when}',
      'calendar: {title} {when}',
      'i have (a|an|) {title} {when}',
      'remember (the|my) {title} {when}',
      '{when} i have (a|an|) {title}, add it to my calendar',
      'block time for {title} {when}',
      '{when}: {title}, put it in my calendar',
      'save the date: {title} {when}',
      'mark {title} in (my|the) calendar {when}',
      'set up (a|an|) {title} {when}',
      'reserve time for {title} {when}',
      'can you (schedule|book|add) (a|an|) {title} {when}',
      'i need (a|an|) {title} {when} in my calendar',
      'event "{title}" {when}',
      'create an event called "{title}" {when}',
      'add an event titled {title} {when}',
      'put down {title} {when}',
      'my {title} is {when}, add it',
      'pencil in {title} {when}',
      'the {title} takes place {when}, add it to the calendar',
      'schedule {when}: {title}',
    ],
    heldout: [
      'could you put a new event in my calendar for {title} {when}',
      'i would like to plan {title} {when}',
      'note that {title} is {when}',
      'enter {title} into my calendar {when}',
      'make an appointment called "{title}" {when}',
      'there is (a|an) {title} {when}, please put it in the calendar',
      'set an event for {title} {when}',
      'arrange (a|an) {title} {when}',
      '{when} is my {title}, save it in my calendar',
      'add to the calendar: {title} {when}',
    ],
  },
  show_map: {
    train: [
      '(show|find) (me|) {query} on (the|a) map',
      'where is {query}',
      'where can i find {query}',
      'map of {query}',
      '(show|give) me (a|the) map of {query}',
      '(find|locate|search for|look for|look up) {query}',
      'open (the|a) map (of|at|for) {query}',
      'how do i get to {query}',
      '(give me|get|show) directions to {query}',
      'navigate to {query}',
      'take me to {query}',
      'i want to (go to|see|find) {query}',
      'search the map for {query}',
      'map: {query}',
      'point me to {query}',
      'pull up {query} on the map',
      "what's the way to {query}",
      'i am looking for {query}',
      'can you (find|locate|show me) {query}',
      'display {query} on the map',
      'route to {query}',
      '{query} on the map',
      'bring up a map of {query}',
      'which way to {query}',
      'zoom to {query}',
      'i need to get to {query}',
    ],
    heldout: [
      'could you show where {query} is',
      'look for {query} on the map',
      'tell me where to find {query}',
      'open {query} in maps',
      'help me get to {query}',
      'i need a map of {query}',
      'what is the location of {query}',
      'please get me directions to {query}',
      'see {query} on a map',
      'how can i reach {query}',
    ],
  },
};

/**
 * Put around a request in the noisy third of training and in half of the held-out requests of each
 * kind.
 */
export const openers = ['please ', 'hey ', 'ok ', 'hi, ', 'so ', 'um ', 'hello, ', 'pls ', 'quick: '];
export const closers = [' please', ' thanks', ' thank you', ' pls', ', thanks', '.', '!', '?', ' :)'];
