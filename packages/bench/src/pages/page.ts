/**
 * The script of the page in which every Chromium contender runs: it puts the functions that the
 * benchmark calls on `window`.
 */
import type { Asked } from '../contender.ts';
import { type Lab, openLab } from './lab.ts';
import { openLamella } from './lamella.ts';
import { openOnnx } from './onnx.ts';
import { openWllama } from './wllama.ts';

const openers = { lamella: openLamella, onnx: openOnnx, wllama: openWllama };

declare global {
  interface Window {
    openers: typeof openers;
    openLab: typeof openLab;
    /** The open contender. */
    contender: Asked;
    lab: Lab;
  }
}

window.openers = openers;
window.openLab = openLab;
