import { expect, onTestFinished, test } from 'vitest';
import { usualEvent } from '../stand-ins/sentry/hostile.ts';
import { type SentryServiceOptions, startSentryService } from '../support/sentry-service.ts';

async function start(options: SentryServiceOptions) {
  const service = await startSentryService(options);
  onTestFinished(() => service.stop());
  return service;
}
const soon = { timeout: 15_000 };

test('an error becomes a ticket, once', async () => {
  const service = await start({});
  const { sentry, alerts, tickets } = service;
  const web = sentry.site.addProject('acme/web', { alertRule: 'all of them' });
  sentry.site.addRelease('web@1.4.0', [web], [{ message: 'Carts are saved at once' }]);
  sentry.site.capture(web, usualEvent());
  await expect.poll(alerts, soon).toMatchObject([{ state: 'waiting', ticket: null }]);
  sentry.site.capture(web, usualEvent());
  await service.hurry();
  await expect.poll(alerts, soon).toMatchObject([{ state: 'filed' }]);
  const filed = await tickets();
  expect(filed).toHaveLength(1);
  sentry.expectClean();
});
