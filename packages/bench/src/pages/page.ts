/**
 * The script of the page in which every Chromium contender runs: it puts the functions that the
 * benchmark calls on `window`.
 */
import { instructionSets } from '@lamella/runtime/kernels';
import type { Asked } from '../contender.ts';
import { type Lab, openLab } from './lab.ts';
import { openLamella } from './lamella.ts';
import { openNewWllama } from './new-wllama.ts';
import { openOnnx } from './onnx.ts';
import { openWllama } from './wllama.ts';

const openers = { lamella: openLamella, newWllama: openNewWllama, onnx: openOnnx, wllama: openWllama };

declare global {
  interface Window {
    openers: typeof openers;
    openLab: typeof openLab;
    instructionSets: typeof instructionSets;
    /** The open contender. */
    contender: Asked;
    lab: Lab;
  }
}

window.openers = openers;
window.openLab = openLab;
window.instructionSets = instructionSets;
