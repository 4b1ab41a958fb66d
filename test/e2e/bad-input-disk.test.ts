import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { someone, startTestService, type TestService } from '../support/service.ts';

const small = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
const large = { ...small, 'large.txt': randomBytes(30_000_000).toString('base64') };
const script = `
tickets:
  Fits: [&work { calls: [{ tool: write, input: { path: a.md, content: "x\\n" } }, { tool: finish, input: { title: Add a, summary: Added. } }] }]
  Fits as well: [*work]
  Does not fit: [*work, *work]
`;

const disk = mkdtempSync(join(tmpdir(), 'shipmate-disk-'));
const mounted = mount('size=40m');

function mount(options: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!mounted)(`a disk that is full${mounted ? '' : ' (skipped: nothing can be mounted here)'}`, () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script,
      repositories: { small, large },
      change: (config) => ({ ...config, dataDir: disk }),
    });
  });
  afterAll(async () => {
    await service?.stop();
    execFileSync('umount', ['--lazy', disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  test('is said on the ticket with what to do; others whose work fits go on, and with room it goes on', {
    timeout: 170_000,
  }, async ({ expect }) => {
    const fields = (repository: string) => ({ fields: { repository } });
    // Not at once: while the large one tries, there is room for nobody.
    const refused = await service.work({ title: 'Does not fit', ...fields('large') });
    expect((await service.work({ title: 'Fits', ...fields('small') })).state).toBe('complete');
    const said = refused.activities.at(-1)?.activity;
    expect(said).toMatchObject({
      type: 'error',
      body: expect.stringContaining(`The disk that holds ${disk}/workspaces`),
    });
    expect(said).toMatchObject({
      body: expect.stringMatching(/has no room .* of 42 MB are free\)\. Free space there/),
    });
    expect(said).toMatchObject({ body: expect.stringContaining('Say "continue"') });
    expect((await service.work({ title: 'Fits as well', ...fields('small') })).state).toBe('complete');

    execFileSync('mount', ['-o', 'remount,size=600m', disk]);
    await service.app.desk.comment(refused.ticket.identifier, 'continue', someone);
    const continued = await service.rest(refused.ticket.identifier, refused.runs.length + 1);
    expect([continued.state, continued.activities.at(-1)?.activity.type]).toEqual(['complete', 'response']);
  });
});
