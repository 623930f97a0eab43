/**
 * Requests that no function serves, and small talk: their answer is a refusal. Slots are filled by
 * the makers of `values.ts`.
 */

const lines = (text: string): string[] => text.split('\n').map((line) => line.trim());

export const CHAT = {
  train: lines(`(hi|hello|hey|hey there|hello there|yo|hiya)
    (good|have a good) (morning|evening|night|day)
    (thanks|thank you|thx|cheers|ta|ty)(| a lot| so much| very much)
    (bye|goodbye|see you|see ya|ciao)
    (ok|okay|fine|great|cool|nice|perfect|lol|haha|hm|wow)
    how (are|r) (you|u)(| doing| today)
    (what's|whats) up
    who (are you|made you|is your boss)
    what (are you|can you do|is your name)
    (are|r) (you|u) (a human|real|alive|stupid|smart|listening|there)
    do you (love|hate|know|understand) me
    you are (great|stupid|funny|so slow|the best|wrong|annoying)
    i (love|hate) you
    i am (bored|sad|happy|tired|{thing}|in love)
    tell me (a joke|something funny|a secret|a story about {thing})
    sing (something|about {thing})
    what is the capital of {city}
    (who|what) is {fullname}
    who (won|lost) the (game|election|cup) in {city}
    who (invented|discovered|wrote) the {thing}
    how (old|tall|big|far) is {fullname}
    how many (people|cars|dogs) are there in {city}
    what is {number} (times|plus|minus|divided by) {number}
    {number} + {number}
    what is the square root of {number}
    why is the {thing} {number}
    why (do|are) (people|cats|dogs) {thing}
    what does a {thing} cost
    (what time is it|what's the time)(| in {city})
    what day is (it|it today)
    when is (easter|christmas|the next holiday)
    (write|compose) (a poem|an essay|a song) about (the|) {subject}
    summarise (the|) {subject}
    explain (the|) {subject} to me
    (write|fix) some code for (the|my) {subject}
    (book|find) me a (flight|hotel|train) to {city}
    buy (me|) (a|some|) {thing}
    sell my {thing}
    (delete|remove) (all|) my (messages|contacts|photos|files)
    (call off|undo) (that|everything)
    (turn|switch) (on|off) the (tv|oven|fridge|computer|fan|radio)
    (open|close) the (window|fridge|curtains)
    (start|stop) the (car|dishwasher|washing machine)
    set the (language|wallpaper|ringtone|font) to {thing}
    (change|set) my (password|name|pin)
    install {app}
    (restart|shut down|charge|update) the phone
    (find|where is) my (keys|phone|cat|wallet)
    (cook|make) me (a|some) {dish}
    (recipe|calories) (for|of) {dish}
    (play|let's play) (chess|a game|hide and seek)
    flip a coin
    roll a (dice|die)
    pick a number between 1 and {number}
    (recommend|suggest) a (film|book|restaurant in {city})
    (post|share) (this|it) on (facebook|instagram|twitter)
    (like|follow) {fullname}
    (scan|copy) this document
    (spell|pronounce) {thing}
    {madeup}
    {madeup} {madeup}
    {madeup} {thing} {madeup}
    (what should i|what do i) (wear|eat|do|say)
    (help|help me)
    (never mind|forget it|nothing|no|nope|stop|cancel|wait)
    (is|was) {fullname} (married|dead|in {city})
    how do (you|i) (make|spell|fix|clean) (a|the) {thing}
    (convert|how much is) {number} (euros|miles|pounds) in (dollars|kilometres|kilos)`),
  heldout: lines(`(greetings|good afternoon|howdy)
    much appreciated
    you're a star
    what's your favourite colour
    do you dream at night
    tell me about yourself
    i'm feeling lonely
    give me the population of {city}
    which planet is the largest
    add {number} and {number} together
    how is {fullname} related to {city}
    draw a {thing} for me
    proofread my {subject}
    pay my electricity bill
    empty the recycle bin
    get me concert tickets in {city}
    put the dishwasher on
    change the channel
    who sings this
    is the shop still open
    did anybody win the lottery
    make me a sandwich
    read my palm
    charge my scooter
    qwertz uiop
    what should i name my {thing}
    how many minutes has a week
    teach me to dance`),
};
