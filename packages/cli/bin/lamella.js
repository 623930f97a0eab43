#!/usr/bin/env node
// The `lamella` command in a checkout. It runs the TypeScript sources without a build.
import { register } from 'tsx/esm/api';

register();
await import('../src/main.ts');
