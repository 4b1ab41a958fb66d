import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { usualEvent } from '../stand-ins/sentry/hostile.ts';
import { startSentry } from '../stand-ins/sentry/server.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeRepository } from '../support/repository.ts';

test('an error is filed by its address, once; what has a ticket, and what is none, is told', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'shipmate-from-'));
  const [database, sentry] = await Promise.all([createTestDatabase(), startSentry()]);
  onTestFinished(async () => {
    await Promise.all([database.drop(), sentry.close()]);
    rmSync(dir, { recursive: true, force: true });
  });
  await makeRepository(join(dir, 'shop.git'));
  mkdirSync(join(dir, 'work'));
  const project = '{ project: acme/web, repository: shop, level: root-cause, labels: [live] }';
  writeFileSync(
    join(dir, 'work/shipmate.yaml'),
    `dataDir: ../data\nrepositories: { shop: { path: ../shop.git } }\nsentry: { projects: [${project}] }\n`,
  );
  const env = {
    ...{ PATH: process.env.PATH, HOME: dir, DATABASE_URL: database.url },
    ...{ SENTRY_AUTH_TOKEN: sentry.token, SENTRY_BASE_URL: sentry.url },
  };
  const shipmate = async (...args: string[]) => {
    const said = { stdout: '', stderr: '' };
    const into = (name: 'stdout' | 'stderr') =>
      new PassThrough({ encoding: 'utf8' }).on('data', (text) => (said[name] += text)) as unknown as NodeJS.WriteStream;
    const stdin = new PassThrough().end('') as unknown as NodeJS.ReadStream;
    const surroundings = { cwd: join(dir, 'work'), env, stdout: into('stdout'), stderr: into('stderr'), stdin };
    return { code: await createProgram(surroundings).run(args), ...said };
  };
  const web = sentry.site.addProject('acme/web');
  const { issue } = sentry.site.capture(web, usualEvent());
  const address = `${sentry.url}/organizations/acme/issues/${issue.id}/`;

  const shown = await shipmate('ticket', '--from-sentry', address, '--dry-run');
  expect(shown.stdout).toContain('CheckoutError: The cart could not be saved');
  const filed = await shipmate('ticket', '--from-sentry', address, '--notes', 'Two customers called.', '--no-assign');
  expect(filed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S*BOARD-1\n$/) });
  const ticket = (await shipmate('tickets', 'show', 'BOARD-1')).stdout;
  for (const part of ['Two customers called.', 'Wanted is the cause', 'saveCart', 'live'])
    expect(ticket).toContain(part);

  const again = await shipmate('ticket', '--from', address);
  expect(again).toMatchObject({
    code: 0,
    stdout: filed.stdout,
    stderr: expect.stringContaining('has a ticket already'),
  });

  // The same error of another issue is added to the ticket that has it, for there is nobody to ask.
  const other = sentry.site.capture(web, usualEvent({ fingerprint: ['another'] })).issue;
  const same = await shipmate('ticket', '--from-sentry', `${sentry.url}/organizations/acme/issues/${other.shortId}/`);
  expect(same).toMatchObject({ code: 0, stdout: filed.stdout, stderr: expect.stringContaining('Added to') });

  for (const [wrong, why] of [
    ['https://example.com/issues/1/', 'no address of an error'],
    [`${sentry.url}/organizations/acme/issues/1/`, 'Sentry has no issue 1'],
    [`${sentry.url}/organizations/evil/issues/1/`, 'is of the organization evil'],
  ] as const) {
    const refused = await shipmate('ticket', '--from-sentry', wrong);
    expect({ wrong, code: refused.code, stderr: refused.stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(why),
    });
  }
  sentry.expectClean();
}, 60_000);
