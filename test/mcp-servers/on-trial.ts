import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { usualEvent } from '../stand-ins/sentry/hostile.ts';
import { startSentry } from '../stand-ins/sentry/server.ts';
import { cause, startWithFailedJob } from './ci-logs/failed-job.ts';
import type { Person } from './configurations.ts';
import { createSampleHistory } from './git/sample-history.ts';
import { createRecordingDesk } from './tickets/recording-desk.ts';
import { startTicketsService, token } from './tickets/tickets-service.ts';

/** What a server is tried with: a person who has what it needs, and a call whose answer says `said`. */
export interface Trial extends Person {
  call: { tool: string; args: Record<string, unknown>; said: string };
  /** Added to what a client hands on: where the stand-in is, which nobody has to say of the real one. */
  aside?: Record<string, string>;
  close(): Promise<void> | void;
}

/** Each of our servers, by its folder. `home`: an empty directory. */
export const onTrial: Record<string, (home: string) => Promise<Trial>> = {
  async git() {
    const { directory, remove } = createSampleHistory();
    return {
      directory,
      env: {},
      instead: { '/path/to/repository': directory },
      call: { tool: 'show-commit', args: { commit: 'HEAD' }, said: 'Drop the cap' },
      close: remove,
    };
  },
  async 'ci-logs'(home) {
    const { github, token: githubToken, job } = await startWithFailedJob();
    const file = join(home, 'token');
    writeFileSync(file, githubToken);
    return {
      directory: home,
      env: { GITHUB_TOKEN: githubToken },
      instead: { 'owner/name': 'acme/app', '/path/to/token': file },
      call: { tool: 'get-job-log', args: { job }, said: cause },
      aside: { GITHUB_API_URL: github.apiUrl },
      close: () => github.close(),
    };
  },
  async sentry(home) {
    const sentry = await startSentry();
    const { issue } = sentry.site.capture(sentry.site.addProject('acme/web'), usualEvent());
    const file = join(home, 'token');
    writeFileSync(file, sentry.token);
    return {
      directory: home,
      env: { SENTRY_AUTH_TOKEN: sentry.token },
      instead: { '/path/to/token': file },
      call: { tool: 'get-event', args: { issue: issue.shortId }, said: 'at saveCart (src/checkout.ts:41:11)' },
      aside: { SENTRY_BASE_URL: sentry.url },
      async close() {
        sentry.expectClean();
        await sentry.close();
      },
    };
  },
  async tickets(home) {
    const service = await startTicketsService(createRecordingDesk().desk);
    // As `shipmate login` leaves it.
    mkdirSync(join(home, '.config/shipmate'), { recursive: true });
    const login = JSON.stringify({ url: service.url, token });
    writeFileSync(join(home, '.config/shipmate/client.json'), login, { mode: 0o600 });
    return {
      directory: home,
      env: {},
      instead: {},
      call: { tool: 'get_ticket', args: { ticket: 'SHOP-3' }, said: 'Some are ISO' },
      close: () => service.close(),
    };
  },
};
