import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { verifyDelivery } from '../../../src/alerts/sentry/deliveries.ts';

test('a copy of a webhook with other blanks has its id', () => {
  const secret = 'of the integration';
  const hook = { action: 'created', data: { issue: { id: '1' } } };
  const body = JSON.stringify(hook);
  const now = Date.now();
  const headers = {
    'sentry-hook-signature': createHmac('sha256', secret).update(body).digest('hex'),
    'sentry-hook-timestamp': String(Math.floor(now / 1_000)),
  };
  const idOf = (text: string) => verifyDelivery([secret], headers, Buffer.from(text), now).deliveryId;
  expect(idOf(JSON.stringify(hook, null, 2))).toBe(idOf(body));
});
