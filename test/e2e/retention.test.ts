import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { deleteSpentRows, releaseWorkspaces } from '../../src/flow.ts';
import { createLog } from '../../src/lib/log.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
const write = (path: string) => `{ tool: write, input: { path: ${path}, content: "x\\n" } }`;
const finish = (title: string) => `{ tool: finish, input: { title: ${title}, summary: "${title}, as was wanted." } }`;
const script = `
tickets:
  Is kept:
    - calls: [${write('one.md')}, ${finish('Add one')}]
    - { expect: Please add two as well, calls: [${write('two.md')}, ${finish('Add two')}] }
  Is forgotten:
    - calls: [{ tool: bash, input: { command: "test ! -e one.md || touch two.md; touch one.md" } }, ${finish('Add it')}]
`;
const never = new AbortController().signal;
const limits = { deliveriesDays: 30, stepsDays: 180, workspaceHours: 72 };

describe('a session that rested for long goes on', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ script, files });
  });
  afterAll(() => service?.stop());

  const held = async () => (await service.app.workspaces.held()).sessions.map(({ id }) => id);
  const release = () => {
    const log = createLog({ level: 'silent', format: 'json', secrets: [] });
    return releaseWorkspaces({ db: service.app.db, workspaces: service.app.workspaces, log }, limits, never);
  };
  const rested = (id: string, days: number) =>
    service.database.pool.query(
      'update sessions set updated_at = updated_at - make_interval(days => $2) where id = $1',
      [id, days],
    );

  test('restored from its snapshot, after its files were released', async ({ expect }) => {
    const first = await service.work({ title: 'Is kept' });
    expect(first.state).toBe('complete');
    expect(await held()).toContain(first.id);
    await release();
    expect(await held()).toContain(first.id);
    await rested(first.id, 4);
    await release();
    expect(await held()).not.toContain(first.id);
    expect(await readdir(join(service.config.dataDir, 'workspaces/sessions'))).not.toContain(first.id);

    await service.app.desk.comment(first.ticket.identifier, 'Please add two as well', someone);
    const second = await service.rest(first.ticket.identifier, 2);
    expect([second.state, second.pullRequest]).toEqual(['complete', first.pullRequest]);
    expect(await service.git('diff', '--name-only', `main...${second.branch}`)).toBe('one.md\ntwo.md');
  });

  test('told that its earlier conversation is gone, after that was deleted; usage and outcome are still there', async ({
    expect,
  }) => {
    const first = await service.work({ title: 'Is forgotten' });
    await rested(first.id, 181);
    await deleteSpentRows(service.app.db, limits, never);
    await release();
    const after = await service.app.sessions.view(first.ticket.identifier);
    expect(after?.usage).toEqual(first.usage);
    expect(after?.runs[0]?.outcome).toEqual(first.runs[0]?.outcome);

    await service.app.desk.comment(first.ticket.identifier, 'Two, please', someone);
    const second = await service.rest(first.ticket.identifier, 2);
    const { rows } = await service.database.pool.query(
      "select input::text as asked from steps where session_id = $1 and kind = 'model' order by seq desc limit 1",
      [first.id],
    );
    expect(rows[0].asked).toContain('That conversation was deleted since');
    expect([second.state, second.branch]).toEqual(['complete', first.branch]);
    expect(await service.git('diff', '--name-only', `main...${second.branch}`)).toBe('one.md\ntwo.md');
    expect((await checkInvariants(service.app.db, { live: false, days: null })).violations).toEqual([]);
  });
});
