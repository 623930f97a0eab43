/** The script of the page that every contender in Chromium runs in: it puts on `window` what the benchmark calls from outside. */
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
    /** Whichever is open. */
    contender: Asked;
    lab: Lab;
  }
}

window.openers = openers;
window.openLab = openLab;
