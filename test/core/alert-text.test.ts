import { expect, test } from 'vitest';
import type { AlertedError } from '../../src/core/alert.ts';
import { writeQuiet } from '../../src/core/alert-text.ts';

const about = { source: 'Sentry', release: 'web@2', request: 7, days: 3 };
const error = { name: 'WEB-1A', url: 'https://sentry.example/1' } as AlertedError;

test('that an error is over is not said of one that goes on in older releases', () => {
  expect(writeQuiet(error, { ...about, isElsewhere: false })).toContain('was not seen in Sentry for 3 days');
  const goesOn = writeQuiet(error, { ...about, isElsewhere: true });
  expect(goesOn).toContain('in others only, not in release `web@2`');
  expect(goesOn).not.toContain('was not seen in Sentry');
});
