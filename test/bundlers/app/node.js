import { answers } from './app.js';

console.log(JSON.stringify(await answers()));
