/** The curve has a line for each loss in a log. */
import { expect, test } from 'vitest';
import { curve, losses } from './curve.ts';

const log = `10 examples, 30 tokens; 0 longer than the context were left out
step 20  loss 4.0000  lr 4.00e-04  871 tokens/s
step 40  loss 1.0000  lr 8.00e-04  2464 tokens/s
step 40  values: loss 2.0000, exact 15.3 %
`;

test('losses of training and of each held-out set are read from a log', () => {
  expect([...losses(log)]).toEqual([
    [
      'training',
      [
        { step: 20, loss: 4 },
        { step: 40, loss: 1 },
      ],
    ],
    ['values', [{ step: 40, loss: 2 }]],
  ]);
});

test('equal factors of the loss are equal distances', () => {
  const svg = curve(losses(log));
  // From 4 at the top to 1 at the bottom: 2 is half-way.
  expect(svg).toContain('d="M296.0 12.0L544.0 284.0"');
  expect(svg).toContain('d="M544.0 148.0"');
  expect(svg.match(/<text[^>]*>(training|values)</g)).toHaveLength(2);
});
