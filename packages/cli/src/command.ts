#!/usr/bin/env node
/**
 * The `lamella` command as npm installs it. From Node 22 on, compiled code is stored, so that the
 * command starts faster the second time.
 */
import module from 'node:module';

(module as { enableCompileCache?(): void }).enableCompileCache?.();
await import('./main.ts');
