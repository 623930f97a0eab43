/** Properties draw the same values in every run of `npm test`, so that a failure is the change's and not the draw's. */
import { configureGlobal } from 'fast-check';

configureGlobal({ seed: 240214905 });
