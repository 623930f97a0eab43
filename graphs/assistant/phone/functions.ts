/**
 * The functions of the training data and the wordings that ask for them. A wording is a line:
 * `{slot}` is filled in, `{=slot}` is a time without its preposition, and `(a|b|)` is a choice. A
 * wording without a required slot has a question as its answer. `heldout` wordings never occur in
 * training, and the functions of `HELD_OUT` occur only in the set that measures new functions.
 */
import type { Format } from './answer.ts';
import type { Maker } from './values.ts';

/**
 * A slot: its format (`!` if it is required), the maker of its values, and names that schemas give
 * it.
 */
export interface Slot {
  readonly format: Format;
  readonly required: boolean;
  readonly maker: Maker;
  readonly names: readonly string[];
}

export interface FunctionTable {
  /** The first is the name of the app, if it has this function. */
  readonly names: readonly string[];
  readonly descriptions: readonly string[];
  readonly slots: Readonly<Record<string, Slot>>;
  readonly train: readonly string[];
  readonly heldout: readonly string[];
}

function define(
  names: string,
  descriptions: string,
  slots: Readonly<Record<string, string>>,
  train: string,
  heldout = '',
): FunctionTable {
  const lines = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  const slot = ([name, spec]: [string, string]): [string, Slot] => {
    const [format, maker, ...others] = spec.split(' ') as [string, Maker, ...string[]];
    const required = format.endsWith('!');
    return [name, { format: format.replace('!', '') as Format, required, maker, names: [name, ...others] }];
  };
  return {
    names: names.split(' '),
    descriptions: descriptions.split(' | '),
    slots: Object.fromEntries(Object.entries(slots).map(slot)),
    train: lines(train),
    heldout: lines(heldout),
  };
}

/** The functions of the app, as in `schemas.json`. */
export const PHONE: readonly FunctionTable[] = [
  define(
    'send_email compose_email mail write_mail email_person new_email',
    'write an email | send a mail | compose a mail to a person',
    {
      to: 'person! mailbox recipient address who',
      subject: 'name subject title topic about',
      body: 'text message text content message',
    },
    `(send|write) (an email|a mail|an e-mail) to (my|the|) {to} (about|regarding|on) (the|my|) {subject}
    (email|mail) (my|the|) {to} about (the|my|our|) {subject}
    (send|write|shoot) (my|the|) {to} an email about (the|my|) {subject}
    (email|mail) (my|the|) {to}
    (send|write) an (email|e-mail) to (my|the|) {to}
    i (need|have|want) to (email|mail) (my|the|) {to}
    (email|mail) (my|the|) {to} that {body}
    (email|mail) (my|the|) {to} saying {body}
    (email|mail) (my|the|) {to} and (say|write|tell them) {body}
    tell (my|the|) {to} by (email|mail) that {body}
    (send|write) an email to {to}, subject {subject}, (body|text) {body}
    email to {to} with (the|) subject "{subject}" and (text|body) "{body}"
    email {to}, subject: {subject}, text: {body}
    (email|mail) {to} about (the|my|) {subject} and say {body}
    write (my|the|) {to} an (email|e-mail): {body}
    (new|compose an|start an|draft an) email to {to}
    new email to {to}: {subject}
    (a mail|an email) for (my|the|) {to}, {body}
    (send|write|compose) (an email|a mail|a new mail)
    (email|mail|new email)
    i want to (write|send) (an email|a mail)
    (send|write) an email about (the|my|) {subject}
    (send|write) an email saying {body}
    email with subject {subject}`,
    `reach out to (my|the|) {to} by email regarding (the|) {subject}
    prepare a mail for {to} with the subject "{subject}"
    could an email go to (the|) {to} about (the|) {subject}
    with subject {subject}, mail {to}
    get an email over to (my|the|) {to} and tell them {body}
    let me write an email
    i'd like to drop (the|my|) {to} a mail`,
  ),
  define(
    'create_calendar_event add_event new_event calendar_entry schedule_event plan_meeting',
    'add an event to the calendar | put an appointment into the calendar | calendar entry',
    {
      title: 'name! event name what event',
      start: 'when! when time at date begin',
      duration: 'duration duration length how_long',
      location: 'place place where place',
    },
    `(schedule|book|plan|set up) (a|an|the|my|) {title} {start}
    (schedule|book|plan|set up) (a|an|the|my|) {title} {start} for {duration}
    (add|put) (a|an|the|my|) {title} (to|in|into|on) (my|the) calendar {start}
    (add|put) (a|an|the|my|) {title} {start} (to|in|on) (my|the) (calendar|diary)
    (add|put) (a|an|the|) {title} {start} at (the|) {location} (to|in) (my|the) calendar
    {title} {=start} (add|put) (it|that) (to|in) (my|the) calendar
    {title} {=start} calendar
    calendar: {title} {=start}
    calendar {=start} {title}
    new (event|appointment): {title}, {=start}
    new (event|appointment) {title} {=start} {duration}
    new event: {title}, {=start}, at (the|) {location}
    (create|make|add) an (event|appointment) (called|named) {title} {start}
    (create|make|add) an (event|appointment) for (the|my|) {title} {start} (in|at) (the|) {location}
    i have (a|an|) {title} {start}
    i have (a|an|) {title} {start}, (add it|put it in the calendar|note it in the diary)
    {start} i have (a|an|) {title}, put (it|that) in the calendar
    (a|the|my) {title} is {start}, (save|add) (it|that)
    we're (having|going to) (a|an|the|) {title} {start}, calendar please
    block {duration} {start} for (the|my|) {title}
    block out {=start} for (a|the|my|) {title}
    meet {title} {start} for {duration}
    (schedule|book|plan|set up) (a|an|the|my|) {title}
    (add|put) (a|an|the|my|) {title} (to|in|on) (my|the) (calendar|diary)
    (add|put) something (to|in|on) (my|the) calendar
    (new|create an|add an|make an) (event|appointment|calendar entry)
    (create|add) an event {start}
    (add|put) something in the calendar {start}
    (schedule|plan) something`,
    `pencil (a|the|) {title} in {start}
    could you note (a|the|) {title} in my calendar {start}
    save the date: {title} {=start}
    mark {=start} as {title} in my calendar
    there is (a|an) {title} {start} at (the|) {location}, don't let me miss it, calendar
    reserve {duration} for (the|) {title} {start}
    arrange (a|an) {title} {start}
    i'd like something in my diary {start}`,
  ),
  define(
    'show_map open_map find_place navigate directions map_search',
    'show a place or the way to it | find a place on the map | map and directions',
    { place: 'place! place where destination query location' },
    `(show|find) (me|) (the|a|) {place} on (the|a) map
    where is (the|) {place}
    where can i find (a|the|) {place}
    wheres (the|) {place}
    (a|) map of (the|) {place}
    (show|give) me (a|the) map of (the|) {place}
    (find|locate|look up) (the|a|) {place}
    how do i get to (the|) {place}
    how far is (it to|) (the|) {place}
    (give me|get|show|i need) directions to (the|) {place}
    directions to (the|) {place}
    (navigate|drive|take me|bring me|get me) to (the|) {place}
    i (want|need) to (go|get) to (the|) {place}
    (which|what's the) way to (the|) {place}
    i'm looking for (a|the|) {place}
    i need (to find|) (a|the) {place}
    (find|is there) (a|an|) {place} (around here|here|)
    (open|pull up) (the|) {place} (on the map|in maps)
    {place} on (the|a) map
    route to (the|) {place}
    map: {place}
    (open|show|start) (the|) (map|maps)
    (navigate|directions|navigation)
    show me (the way|a place on the map)`,
    `help me reach (the|) {place}
    i'm lost, i have to find (the|) {place}
    what is the location of (the|) {place}
    see (the|) {place} on a map
    can you guide me to (the|) {place}
    point me towards (the|) {place}
    i need the map`,
  ),
  define(
    'set_alarm create_alarm wake_up alarm new_alarm ring_at',
    'ring at a time of day | alarm clock | wake the user',
    { time: 'moment! moment at when wake_at clock', label: 'name label name title' },
    `(set|create|make|add) (an|the|my) alarm (for|to) {=time}
    (set|make|add) an alarm {time}
    (set|create) an alarm for {=time} (called|named|labelled|for) (the|) {label}
    (set|create) (a|an|the) {label} alarm for {=time}
    alarm {time}
    alarm {=time}
    alarm for {=time}
    alarm {time} for (the|) {label}
    new alarm {=time}
    new alarm {=time}, {label}
    wake me (up|) {time}
    get me up {time}
    i (need|have|want) to (get up|wake up|be up) {time}
    i need an alarm {time}
    (an|) alarm {time}, label {label}
    ring {time}
    put (an|the|my) alarm on for {=time}
    put an alarm {time}
    (set|create|make|add) (an|the|my) alarm
    (alarm|new alarm|alarm please)
    wake me up
    i need an alarm
    set an alarm called {label}
    set an alarm for (the|) {label}`,
    `make sure i'm awake {time}
    could you have the alarm go off {time}
    i must not oversleep, alarm {time}
    let the alarm ring {time} for (the|) {label}
    be my alarm clock {time}
    alarm clock {=time}
    can i get a wake up call`,
  ),
  define(
    'set_timer start_timer countdown timer count_down',
    'count down a length of time | start a countdown | kitchen timer',
    { duration: 'duration! duration length time how_long for', label: 'name label name title' },
    `(set|start|make) (a|the|) timer (for|to) {duration}
    (set|start) (a|the|) timer for {duration} for (the|my|) {label}
    (set|start) (a|the) {label} timer for {duration}
    (set|start) (a|) {duration} timer
    timer {duration}
    timer for {duration}
    {duration} timer
    {duration} on the (timer|clock)
    {label} timer {duration}
    {label} timer, {duration}
    {duration} for the {label}
    {duration} timer for (the|my|) {label}
    timer for the {label}, {duration}
    timer: {duration}
    (countdown|count down) {duration}
    (start|begin) a countdown of {duration}
    time {duration}
    (tell|warn) me (when|after) {duration} (are over|have passed|is over)
    put {duration} on the timer
    give me {duration}
    (set|start|make|put on) (a|the) timer
    (timer|a timer|countdown)
    i need a timer
    set a timer for (the|my) {label}`,
    `let me know once {duration} (are|is) up
    could a timer run for {duration}
    clock {duration} for me
    beep in {duration}
    keep an eye on the {label} for {duration}
    i need {duration} on the clock
    start counting down`,
  ),
  define(
    'call phone_call dial ring phone make_call',
    'phone a person or number | make a phone call | start a call',
    { to: 'person! caller who contact number person name' },
    `(call|phone|ring|dial) (my|the|) {to}
    (call|phone|ring) (my|the|) {to} (now|up|back|again)
    give (my|the|) {to} a (call|ring)
    make a (phone|) call to (my|the|) {to}
    (start|place) a call (to|with) (my|the|) {to}
    i (need|want|have) to (call|phone|ring|speak to|talk to) (my|the|) {to}
    get (me|) (my|the|) {to} on the (phone|line)
    let me (talk|speak) to (my|the|) {to}
    phone call to (my|the|) {to}
    call {to} on (his|her|the) mobile
    (can|could) we call (my|the|) {to}
    connect me (with|to) (my|the|) {to}
    (call|phone|dial)
    (make|start) a (phone|) call
    (call|phone|ring) (someone|somebody)
    i (need|want|have) to (call|phone|ring) (someone|somebody)`,
    `put me through to (my|the|) {to}
    could you try (my|the|) {to} on the phone
    i'd like a word with (my|the|) {to}, phone them
    buzz (my|the|) {to}
    see if (my|the|) {to} picks up the phone
    hook me up with (my|the|) {to} on the line
    i want to use the phone`,
  ),
  define(
    'send_message text_message send_text sms text message_person',
    'send a text message | text a person | write an sms',
    { to: 'person! caller recipient who contact person', text: 'text! message message body content' },
    `(text|message|sms) (my|the|) {to} {text}
    (text|message|sms|txt) (my|the|) {to} that {text}
    (text|message|sms|txt) (my|the|) {to}: {text}
    (text|message|sms|txt) (my|the|) {to} saying {text}
    (text|message) (my|the|) {to} and (say|tell them|ask) {text}
    (send|write) (a message|a text|an sms) to (my|the|) {to} (saying|that says) {text}
    (send|write) (a message|a text|an sms) to (my|the|) {to}: {text}
    (send|write) (my|the|) {to} (a message|a text|an sms) that {text}
    (send|write) (my|the|) {to} a (message|text): "{text}"
    tell (my|the|) {to} (that|) {text}
    tell (my|the|) {to} "{text}"
    let (my|the|) {to} know (that|) {text}
    ask (my|the|) {to} {text}
    say {text} to (my|the|) {to}
    send "{text}" to (my|the|) {to}
    (message|text) to (my|the|) {to}: {text}
    (reply|answer) (my|the|) {to} "{text}"
    drop (my|the|) {to} a (text|message), {text}
    (text|message) (my|the|) {to}
    (send|write) (a message|a text|an sms) to (my|the|) {to}
    (send|write) (my|the|) {to} (a message|a text|an sms)
    (send|write) (a message|a text|an sms|a text message)
    (text|message|sms) (someone|somebody|)
    i (need|want|have) to (text|message) (someone|somebody)
    i want to (text|message) (my|the|) {to}
    send a (message|text) saying {text}
    send "{text}"`,
    `get word to (my|the|) {to} that {text}
    could (my|the|) {to} get a text from me: {text}
    inform (my|the|) {to} that {text}
    fire off a text to (my|the|) {to}, {text}
    pass on to (my|the|) {to} that {text}
    put in a message to (my|the|) {to}: "{text}"
    i owe (my|the|) {to} a text`,
  ),
  define(
    'play_music music play_song start_music listen play',
    'play songs | start music | play a song, artist or list',
    { query: 'name music what song search title artist' },
    `(play|put on) (the|some|) {query}
    (play|put on) (the|some|) {query} (for me|now|)
    play (the song|the album|something by|music by|songs by|) {query}
    i (want|wanna|would like) to (hear|listen to) (the|some|) {query}
    let me (hear|listen to) (the|) {query}
    (start|begin) (the|my|) {query} (playlist|)
    music: {query}
    (put on|play) (the|my|) {query} please
    can we (hear|have) (the|some|) {query} music
    (play|put on|start|turn on) (some|the|) music
    (music|play music|some music)
    i (want|need|feel like) (some|) music
    play something`,
    `let's have (some|the|) {query} on the speakers
    spin (some|the|) {query}
    time for (some|the|) {query}, play it
    i'm in the mood for (some|) {query} music
    could you get (the|some|) {query} going
    give me some tunes`,
  ),
  define(
    'get_weather weather forecast weather_report show_weather',
    'weather and forecast | how the weather is | weather of a day and place',
    { place: 'place city where city location', date: 'date date day when on' },
    `(what's|how's|how is) the weather (like|)
    (weather|the weather|weather report|forecast)
    (what's|how's) the weather (like|) in {place}
    (what's|how's) the weather (like|going to be|) {date}
    (what's|how will|what will) the weather be (like|) in {place} {date}
    (what's|how's) the weather {date} in {place}
    weather {=date}
    weather {place}
    weather in {place} {date}
    weather {place} {=date}
    weather for {=date} in {place}
    forecast for {place}
    forecast for {=date}
    (will|is it going to) (rain|snow|be sunny|be windy|be cold|be hot) {date}
    (will it|is it going to|is it gonna) (rain|snow|be sunny|be warm|freeze) in {place} {date}
    (is it|) (raining|snowing|cold|hot|sunny|windy) (outside|right now|)
    is it (raining|snowing|cold|hot|sunny|windy) in {place}
    how (cold|warm|hot) (is it|will it be) in {place} {date}
    (temperature|how warm is it) in {place}
    do i need (an umbrella|a jacket|a coat|sunscreen) {date}
    do i need (an umbrella|a jacket|a coat)
    should i take (an umbrella|a coat) {date}`,
    `what's it like outside in {place}
    can i expect sun in {place} {date}
    tell me about the weather {date}
    any storms {date}
    how many degrees will {place} have {date}
    what should i wear outside {date}
    show the sky over {place}`,
  ),
  define(
    'create_contact add_contact save_contact new_contact save_person',
    'save a person in the contacts | new entry of the address book | store a phone number',
    {
      name: 'person! fullname person who contact',
      phone: 'phone phone number tel phone_number',
      email: 'email email mail email_address',
    },
    `(save|add|create|make) (a|) contact (for|) {name} {phone}
    (save|add) (the|) {name} (to|in) my (contacts|phone book|address book)
    (save|add) (the|) {name} as a contact, (number|phone|tel) {phone}
    add {name} to my contacts, (his|her|the) number is {phone}
    add {name} with {phone} and {email} to (the|my) contacts
    (new|create) contact {name}
    (new|create) contact {name}, {phone}
    (new|create) contact: {name}, {email}
    new contact {name}, {phone}, {email}
    contact {name} with (the|) number {phone}
    {name} has the number {phone}, save (it|that)
    (save|store|add) {name}'s number {phone}
    (save|store) the number {phone} (for|as|under) {name}
    (save|store) {email} (for|as|under) {name}
    {phone} is {name}, (save|store) it
    put {name} in my contacts with (the|) email {email}
    i met {name}, (number|phone) {phone}, (save|add) (it|them)
    (new|add a|create a|save a) contact
    (save|store|add) (this|the|a) number {phone}
    save {phone}
    save {email}
    i want to add someone to my contacts`,
    `remember that {name}'s number is {phone}
    enter {name} into the phone book with {phone}
    could you keep {phone} under {name}
    make {name} a contact, mail is {email}
    there's a new person for the contacts, {name}
    the address book needs {name}, {phone}
    keep this number for me: {phone}`,
  ),
  define(
    'turn_on_flashlight flashlight_on torch_on light_on enable_torch',
    'light on | switch on the torch | turn on the lamp of the phone',
    {},
    `(turn|switch|put) on (the|my|) (flashlight|torch|flash light)
    (turn|switch) the (flashlight|torch|light) on
    (flashlight|torch|light|flash light) (on|)
    (give|get) me (some|) light
    i need (some|) light
    it's (too|so|very|) dark (here|in here|), (turn on|) the (torch|flashlight)
    i can't see (anything|a thing), (torch|light|flashlight)
    (use|start|enable|activate) the (flashlight|torch)
    light (this|it) up
    (lamp|phone lamp) on`,
    `make it bright in here with the torch
    shine a light
    it's pitch black, help me see
    let there be light
    could the torch go on
    fire up the flashlight`,
  ),
  define(
    'turn_off_flashlight flashlight_off torch_off light_off disable_torch',
    'light off | switch off the torch | turn off the lamp of the phone',
    {},
    `(turn|switch|put) (off|out) (the|my|that|) (flashlight|torch|flash light)
    (turn|switch) the (flashlight|torch|light) (off|out)
    (flashlight|torch|light|flash light) (off|out)
    (stop|end|disable|deactivate) the (flashlight|torch|light)
    no more light
    (the light|it) is too bright, (turn it off|torch off)
    i don't need the (torch|light|flashlight) any more
    (lamp|phone lamp) off
    light out`,
    `make the torch go dark
    shut off the flashlight
    can the light go away
    done with the torch, thanks
    the flashlight should stop
    save battery, torch off`,
  ),
  define(
    'open_wifi_settings wifi_settings show_wifi wifi network_settings',
    'choose a wireless network | open the settings of wifi | wlan settings',
    {},
    `(open|show|go to|bring up) (the|my|) (wifi|wi-fi|wlan|wireless) (settings|options|)
    (wifi|wi-fi|wlan) (settings|options|)
    (open|show) the settings (of|for) (the|) (wifi|wi-fi|wlan)
    i (want|need|have) to (change|switch|choose) the (wifi|wi-fi|wlan|wireless network)
    (connect|connect me) to (a|another|the) (wifi|wi-fi|wlan|wireless network)
    (change|switch) (the|my|) (wifi|wi-fi|wlan|wireless) (network|)
    the (wifi|wi-fi|internet|wlan) (is|does) (not working|not work|slow|gone), open the settings
    where (are|do i find|can i see) the (wifi|wi-fi|wlan) (settings|networks)
    (which|what) (wifi|wi-fi|wlan) networks are there`,
    `get me to the page where i pick a wifi
    i'd like to join a different wi-fi
    something is wrong with my wireless, settings please
    take me to network settings
    let me configure the wlan
    list the wireless networks`,
  ),
  define(
    'add_reminder remind reminder create_reminder remind_me new_reminder',
    'remind the user of something | set a reminder | a task that must not be forgotten',
    { text: 'text! task what task about message', time: 'when when at when due date' },
    `remind me to {text} {time}
    remind me {time} to {text}
    remind me to {text}
    remind me that {text}
    remind me {time} that {text}
    remind me {time} about {text}
    remind me (about|of) {text}
    {time} remind me to {text}
    (set|add|create) a reminder to {text}
    (set|add|create) a reminder to {text} {time}
    (set|add|create) a reminder {time} to {text}
    (set|add|create) a reminder for {=time}: {text}
    reminder: {text}
    reminder: {text} {time}
    reminder {=time} {text}
    (don't|do not) let me forget to {text}
    (don't|do not) let me forget to {text} {time}
    i (must|have to|need to) {text} {time}, remind me
    i must not forget to {text}
    remember to {text} {time}
    i (have to|must) {text}, remind me {time}
    (remind me|reminder|a reminder)
    (set|add|create) a reminder
    remind me of something
    remind me {time}
    (set|add) a reminder (for {=time}|{time})`,
    `nudge me {time} to {text}
    i might forget to {text}, so tell me {time}
    could you bring up {time} that {text}
    make sure that i {text} {time}
    i'd hate to forget to {text}
    keep me from forgetting to {text}
    jog my memory {time}`,
  ),
  define(
    'take_note note create_note new_note write_note save_note',
    'write down a note | save a text as a note | notebook',
    { text: 'text! memo note content body what' },
    `(take|make|write|save|add) a note: {text}
    (take|make|write|save) a note that {text}
    (take|make) a note {text}
    note: {text}
    note that {text}
    note {text}
    (write|note|jot) (this|it|) down: {text}
    (write|note|jot) down {text}
    (write|jot) down that {text}
    new note: {text}
    note to self: {text}
    note to self, {text}
    (put|add) this (to|in|into) my notes: {text}
    (put|add|save) {text} (to|in|into) my notes
    i (want|need) to (note|write down) that {text}
    {text}, (note that|write that down|put that in my notes)
    (take|make|write) a note
    (new note|a note|note)
    (write|note) something down
    i (want|need) to (write something down|take a note)`,
    `keep in mind that {text}
    for my notebook: {text}
    could you put on paper that {text}
    scribble down {text}
    save this thought: {text}
    memo: {text}
    i'd like to keep a note`,
  ),
];

/** Functions that the app does not have. Training draws them too, so that schemas must be read. */
export const OTHERS: readonly FunctionTable[] = [
  define(
    'take_photo photo shoot_picture camera',
    'take a picture | photo with the camera',
    {},
    `(take|shoot|make) a (photo|picture|pic|selfie)
    (photo|picture|selfie|cheese)
    (open|start) the camera`,
  ),
  define(
    'record_video video film start_recording',
    'record a video | film with the camera',
    { duration: 'duration duration length for' },
    `(record|shoot|make|take) a video
    (record|film) (a video|) for {duration}
    (start|begin) filming
    film (this|me)`,
  ),
  define(
    'set_volume volume change_volume loudness',
    'loudness of the sound, 0 to 100 | how loud it is',
    { level: 'number! number level percent value' },
    `(set|turn|change) (the|) volume to {level}
    volume {level}
    (make it|sound) {level} percent loud
    turn (the|) (sound|volume) (up|down) to {level}
    (set|change) the volume`,
  ),
  define(
    'set_brightness brightness dim_screen screen_light',
    'how bright the screen is, 0 to 100 | screen light',
    { level: 'number! number level percent value' },
    `(set|turn|change) (the|) (screen|) brightness to {level}
    brightness {level}
    dim the screen to {level}
    make the screen {level} percent bright
    change the brightness`,
  ),
  define(
    'translate translate_text translation interpret',
    'translate a text | say it in another language',
    { text: 'text! message text what phrase', language: 'name! language into language target' },
    `translate {text} (to|into) {language}
    translate "{text}" (to|into) {language}
    (what is|how do you say) "{text}" in {language}
    how do i say {text} in {language}
    translate (something|this|)
    translate "{text}"`,
  ),
  define(
    'define_word dictionary meaning look_up_word',
    'meaning of a word | dictionary',
    { word: 'name! thing term what' },
    `(define|explain the word) {word}
    what does {word} mean
    (what's|what is) the meaning of {word}
    look up (the word|) {word} in the dictionary
    define a word`,
  ),
  define(
    'order_food order_meal food_delivery deliver_food',
    'order a meal | have food delivered',
    { dish: 'name! dish what meal food', from: 'place place restaurant at' },
    `order (me|us|) (a|some|) {dish}
    order (a|some|) {dish} from (the|) {from}
    (get|bring) (me|us) (a|some) {dish}
    i'm hungry, order (a|some) {dish}
    i want (a|some) {dish} delivered
    order (food|something to eat)
    i'm hungry, order something`,
  ),
  define(
    'book_taxi taxi order_cab ride',
    'order a taxi | get a ride to a place',
    { to: 'place! place destination where', time: 'when when at pickup' },
    `(book|order|get|call) (me|) a (taxi|cab|ride) to (the|) {to}
    (book|order|get|call) (me|) a (taxi|cab) to (the|) {to} {time}
    (taxi|cab) to (the|) {to}
    i need a (taxi|cab|ride) to (the|) {to} {time}
    (book|order|get) a (taxi|cab)
    i need a (taxi|cab|lift)`,
  ),
  define(
    'lights_on switch_on_lights room_light',
    'turn on the lights of a room | smart lamp on',
    { room: 'place room where' },
    `(turn|switch) on the lights in the {room}
    lights on in the {room}
    {room} lights on
    (turn|switch) the {room} (lights|lamp) on`,
  ),
  define(
    'lights_off switch_off_lights room_dark',
    'turn off the lights of a room | smart lamp off',
    { room: 'place room where' },
    `(turn|switch) off the lights in the {room}
    lights off in the {room}
    {room} lights off
    (turn|switch) the {room} (lights|lamp) off`,
  ),
  define(
    'set_heating heating thermostat temperature',
    'degrees of the heating | how warm a room is heated',
    { degrees: 'number! number temperature value to', room: 'place room where' },
    `(set|turn) the (heating|thermostat) to {degrees} (degrees|)
    heat the {room} to {degrees} (degrees|)
    (heating|thermostat) {degrees}
    make it {degrees} degrees in the {room}
    turn (up|down) the heating
    set the thermostat`,
  ),
  define(
    'lock_door lock close_door',
    'lock a door of the house',
    { door: 'name door which' },
    `lock the {door} door
    (lock|close) (the|all|all the) (door|doors)
    is the {door} door locked? lock it`,
  ),
  define(
    'unlock_door unlock open_door',
    'unlock a door of the house',
    { door: 'name door which' },
    `unlock the {door} door
    (unlock|open) the (door|house)
    open the {door} door`,
  ),
  define(
    'add_to_list shopping_list buy_list groceries',
    'put a thing on the shopping list | groceries to buy',
    { item: 'name! thing what product', amount: 'number number count how_many' },
    `(put|add) {item} (to|on) (my|the) (shopping|grocery) list
    (put|add) {amount} {item} (to|on) (my|the) (shopping|grocery) list
    (shopping list|groceries): {item}
    we need {item}, put it on the list
    (put|add) something (to|on) (my|the) shopping list`,
  ),
  define(
    'open_app launch start_app run_app',
    'start another app | launch a program',
    { app: 'name! app name program' },
    `(open|launch|start|run) {app}
    (open|launch|start) the {app} app
    go to {app}
    (open|launch|start) an app`,
  ),
  define(
    'track_parcel parcel package_status delivery',
    'where a parcel is | status of a delivery',
    { number: 'name! code code tracking id' },
    `(track|where is) (my|the) (parcel|package) {number}
    (track|follow) (parcel|shipment) {number}
    status of (parcel|package|delivery) {number}
    where is my (parcel|package)`,
  ),
  define(
    'start_workout workout exercise training',
    'begin a sport | track an exercise',
    { kind: 'name! sport sport type' },
    `(start|begin|track) (a|my) {kind} (workout|session|)
    i'm going {kind}, track it
    (start|begin) (a|my) workout`,
  ),
  define(
    'pay send_money transfer pay_person',
    'send money to a person | pay somebody',
    { to: 'person! caller recipient who', amount: 'number! number sum euros how_much' },
    `(pay|send) (my|the|) {to} {amount} (euros|dollars|)
    (transfer|send) {amount} (euros|dollars|) to (my|the|) {to}
    i owe (my|the|) {to} {amount}, pay it
    (pay|send money to) (my|the|) {to}
    send {amount} (euros|dollars)
    send money`,
  ),
  define(
    'book_table reserve restaurant reserve_table',
    'reserve a table at a restaurant',
    { place: 'place! place restaurant where', time: 'when! when at when', people: 'number number guests seats' },
    `(book|reserve) a table at (the|) {place} {time}
    (book|reserve) a table for {people} at (the|) {place} {time}
    table for {people} {time} at (the|) {place}
    (book|reserve) a table
    (book|reserve) a table at (the|) {place}
    (book|reserve) a table {time}`,
  ),
  define(
    'read_news news headlines',
    'latest news | headlines about a topic',
    { topic: 'name subject about what' },
    `(what's|what is) (in the|the) news
    (read|show|tell) me the (news|headlines)
    news about (the|) {topic}
    (read|show) me (news|headlines) about (the|) {topic}
    headlines`,
  ),
  define(
    'cancel_alarm delete_alarm stop_alarm alarm_off',
    'remove an alarm | switch off an alarm',
    { time: 'moment moment at which' },
    `(delete|cancel|remove|turn off) (my|the) alarm
    (delete|cancel|remove) (my|the) alarm (for|of) {=time}
    i don't need the alarm {time} any more`,
  ),
  define(
    'stock_price stocks share_price',
    'price of a share | how a company stands on the market',
    { company: 'name! thing name ticker' },
    `(how is|how's) the {company} (stock|share)
    (stock|share) price of {company}
    (stock|share) price
    what is {company} worth on the market`,
  ),
  define(
    'do_not_disturb quiet mute silence',
    'no sounds and notifications | silence the phone',
    { duration: 'duration duration length for' },
    `(mute|silence) (the|my) phone
    (do not disturb|quiet|silence) (for {duration}|)
    (mute|silence) everything for {duration}
    no notifications for {duration}`,
  ),
  define(
    'bluetooth_on enable_bluetooth start_bluetooth',
    'bluetooth on',
    {},
    `(turn|switch) on bluetooth
    bluetooth on
    (enable|start|activate) bluetooth`,
  ),
  define(
    'bluetooth_off disable_bluetooth stop_bluetooth',
    'bluetooth off',
    {},
    `(turn|switch) off bluetooth
    bluetooth off
    (disable|stop|deactivate) bluetooth`,
  ),
  define(
    'take_screenshot screenshot capture_screen',
    'picture of the screen',
    {},
    `(take|make) a screenshot
    (screenshot|screen shot)
    (capture|save) (the|my) screen`,
  ),
  define(
    'battery battery_level charge_state',
    'how full the battery is',
    {},
    `(how full is|what's) (the|my) battery (level|at|)
    (battery|battery level|battery status)
    how much (charge|battery) (is left|do i have)
    do i have to charge`,
  ),
  define(
    'start_stopwatch stopwatch measure_time',
    'measure how long something takes | stopwatch',
    {},
    `(start|begin) (the|a) stopwatch
    stopwatch (start|)
    measure (the|my) time from now`,
  ),
  define(
    'show_calendar agenda appointments_of day_plan',
    'which appointments a day has | show the agenda',
    { date: 'date date day on' },
    `(what's|what is) (on|in) my (calendar|agenda|diary) {date}
    what do i have {date}
    (show|read) (me|) my (calendar|agenda|appointments) {date}
    am i free {date}
    (show|open) my calendar
    agenda`,
  ),
  define(
    'show_photos gallery pictures find_photos',
    'look at pictures of the gallery',
    { of: 'name thing subject who' },
    `(show|find) (me|) (photos|pictures) of (the|my|) {of}
    (show|open) (my|the) (photos|pictures|gallery)`,
  ),
  define(
    'play_podcast podcast episode listen_podcast',
    'play a podcast | spoken episode',
    { title: 'name! music name show' },
    `(play|start) the podcast {title}
    (play|start) the latest episode of {title}
    podcast {title}
    (play|start) a podcast`,
  ),
  define(
    'water_garden sprinkler irrigation',
    'water the plants of the garden | sprinkler on',
    { duration: 'duration duration length for' },
    `(water|sprinkle) the (garden|lawn|plants) (for {duration}|)
    (start|turn on) the sprinkler (for {duration}|)`,
  ),
];

/** Functions that no training prompt has. */
export const HELD_OUT: readonly FunctionTable[] = [
  define(
    'start_vacuum vacuum clean_floor',
    'vacuum a room | clean the floor',
    { room: 'place room where' },
    `(vacuum|clean) the {room}
    (start|run) the vacuum in the {room}
    (start|run) the vacuum
    the floor of the {room} is dirty, vacuum it`,
  ),
  define(
    'print_document print print_file',
    'print a document | printer',
    { document: 'name! subject file what' },
    `print (the|my|) {document}
    (send|put) the {document} to the printer
    print (something|a document)
    i need (the|) {document} on paper, print it`,
  ),
  define(
    'rent_bike bike hire_bicycle',
    'rent a bicycle | hire a bike',
    { place: 'place! place where station' },
    `rent a (bike|bicycle) at (the|) {place}
    (hire|get) a (bike|bicycle) near (the|) {place}
    rent a (bike|bicycle)
    i want to cycle from (the|) {place}, rent a bike`,
  ),
  define(
    'record_audio voice_memo record_sound',
    'record a sound | voice recording',
    { title: 'name subject name' },
    `record (a sound|my voice|audio)
    (start|make) a voice recording
    (start|make) a voice recording called {title}
    record audio with the title {title}`,
  ),
  define(
    'close_blinds blinds_down shutters',
    'blinds down | close the shutters',
    { room: 'place room where' },
    `(close|lower|shut) the (blinds|shutters)
    (close|lower) the (blinds|shutters) in the {room}
    blinds down in the {room}`,
  ),
  define(
    'open_garage garage garage_door',
    'open the garage',
    {},
    `(open|raise) the garage (door|)
    garage (open|door)
    let me into the garage`,
  ),
  define(
    'check_flight flight flight_status',
    'status of a flight | is a plane late',
    { number: 'name! code flight code' },
    `is flight {number} (late|on time|delayed)
    (check|status of) flight {number}
    (when does|where is) flight {number}
    check my flight`,
  ),
  define(
    'share_location location_share show_position',
    'let a person see your position | share the location',
    { to: 'person! caller who with', duration: 'duration duration length for' },
    `share my (location|position) with (my|the|) {to}
    share my (location|position) with (my|the|) {to} for {duration}
    let (my|the|) {to} see my (location|position)
    share my (location|position)`,
  ),
  define(
    'measure_pulse heart_rate pulse',
    'measure the heart rate | pulse of the user',
    {},
    `(measure|check|take) my (pulse|heart rate)
    (pulse|heart rate)
    how fast is my heart`,
  ),
  define(
    'book_haircut haircut hairdresser',
    'appointment at the hairdresser | book a haircut',
    { time: 'when! when at when', salon: 'place place where' },
    `book (me|) a haircut {time}
    (book|get me) a haircut {time} at (the|) {salon}
    i need a haircut {time}
    book a haircut`,
  ),
];
