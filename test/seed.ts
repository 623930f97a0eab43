/**
 * Property tests draw the same values in every run of `npm test`, so that a failure comes from a
 * change and not from the draw.
 */
import { configureGlobal } from 'fast-check';

configureGlobal({ seed: 240214905 });
