#!/usr/bin/env node
// The `lamella` command in a checkout: the sources are TypeScript and run as they are, so there is no build to forget.
import { register } from 'tsx/esm/api';

register();
await import('../src/main.ts');
