import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { someone, startTestService, type TestService } from '../support/service.ts';
import { type CommandLine, commandLineOf } from './clone.ts';

const script = `
tickets:
  The export is half done:
    - expect: ["handed it over", "git diff"]
      calls: [{ tool: bash, input: { command: "git rev-parse HEAD; test -x 'a b.sh' && test -L link && echo done >> one.txt" } }]
    - expect: ["exit 0"]
      calls: [{ tool: finish, input: { title: The export, summary: It is whole. } }]
  Survives:
    - expect: ["handed it over"]
      calls: [{ tool: ask, input: { question: What now? } }]
    - expect: ["handed it over", "Go on from there"]
      calls: [{ tool: ask, input: { question: And now? } }]
  Is squashed:
    - calls: [{ tool: bash, input: { command: "echo mine > merged.txt" } }]
    - calls: [{ tool: finish, input: { title: Merged, summary: It is there. } }]
    - expect: ["was merged meanwhile", "handed it over", "was put on the newest main"]
      calls: [{ tool: bash, input: { command: "cat merged.txt later.txt by-hand.txt && git status --porcelain" } }]
    - expect: ["exit 0", "?? by-hand.txt"]
      calls: [{ tool: finish, input: { title: By hand, summary: It is there. } }]
`;
const files = {
  'one.txt': 'one\n',
  'gone.txt': 'gone\n',
  'old.txt': 'old\n'.repeat(20),
  '.gitignore': '*.cache\n',
  '.shipmate.yml': 'verify: [test -s one.txt]\n',
};

describe('shipmate handoff', () => {
  let service: TestService;
  let line: CommandLine;
  beforeAll(async () => {
    service = await startTestService({ script, files });
    line = await commandLineOf(service);
  });
  afterAll(() => service?.stop());

  const query = async (text: string, values: unknown[] = []) => (await service.database.pool.query(text, values)).rows;
  const treeOf = async (dir: string) => {
    await line.git(dir, 'add', '--all');
    return line.git(dir, 'write-tree');
  };
  const count = async () => {
    const [row] = await query(
      'select (select count(*)::int from board_tickets) as tickets, (select count(*)::int from handovers) as handovers',
    );
    return row;
  };

  test('uncommitted work and commits that were not pushed become a ticket; the agent begins with exactly these files on that base', async ({
    expect,
  }) => {
    const clone = await line.clone('web');
    const base = await line.git(clone, 'rev-parse', 'HEAD');
    await writeFile(join(clone, 'committed.txt'), 'committed\n');
    await line.git(clone, 'add', '.');
    await line.git(clone, 'commit', '--quiet', '-m', 'Mine');
    await writeFile(join(clone, 'one.txt'), 'one and a half\n');
    await writeFile(join(clone, 'a b.sh'), '#!/bin/sh\n');
    await chmod(join(clone, 'a b.sh'), 0o755);
    await writeFile(join(clone, 'größe.bin'), Buffer.from([0, 255, 1]));
    await symlink('one.txt', join(clone, 'link'));
    await rm(join(clone, 'gone.txt'));
    await mkdir(join(clone, 'sub'));
    await rename(join(clone, 'old.txt'), join(clone, 'sub/new.txt'));
    await writeFile(join(clone, 'left.cache'), 'ignored\n');
    const before = await line.git(clone, 'status', '--porcelain=v2', '--branch');
    const objects = await line.git(clone, 'count-objects', '-v');

    // Upstream has gone on meanwhile, and this clone has not heard of it.
    const ahead = await line.clone('ahead');
    await line.git(ahead, 'commit', '--quiet', '--allow-empty', '-m', 'Later');
    await line.git(ahead, 'push', '--quiet', 'origin', 'main');

    const handed = await line.shipmate(clone, 'handoff', 'The export is half done. Finish it, please.');
    expect([handed.code, handed.stderr]).toEqual([0, '']);
    expect(handed.stdout).toContain(`7 changed file(s) on ${base} of main are handed over; your clone is as it was.`);
    expect(handed.stdout).toContain('1 commit(s) that upstream does not have are part of it.');
    const name = handed.stdout.split(' ')[0] ?? '';
    expect(await line.git(clone, 'status', '--porcelain=v2', '--branch')).toBe(before);
    expect(await line.git(clone, 'count-objects', '-v')).toBe(objects);

    const { ticket } = await service.app.desk.show(name);
    expect(ticket).toMatchObject({ title: 'The export is half done', fields: { repository: 'upstream#main' } });
    expect(ticket.description).toContain(`7 files on \`${base}\` of \`main\`, with one commit that was not pushed.`);
    expect(ticket.description).toContain('- A `größe.bin`');
    const done = await service.rest(name);
    expect([done.state, done.runs[0]?.outcome?.stopReason]).toEqual(['complete', 'finished']);
    const [session] = await query('select base_commit from sessions where id = $1', [done.id]);
    expect(session.base_commit).toBe(base);
    const [first] = await query('select tree from snapshots where session_id = $1 order by step_seq limit 1', [
      done.id,
    ]);
    expect(first.tree).toBe(await treeOf(clone));
    // What is published is the person's work and the agent's, on the base.
    const published = await service.git('diff', '--stat', base, done.headCommit ?? '');
    expect(published).toContain('7 files changed');
    expect(await service.git('show', `${done.headCommit}:one.txt`)).toBe('one and a half\ndone');
  });

  test('what must not or cannot leave is refused with its reason, and nothing is filed; protected paths are told', async ({
    expect,
  }) => {
    const clone = await line.clone('careful');
    const nothing = await count();
    const refused = async (...args: string[]) => {
      const { code, stderr } = await line.shipmate(clone, 'handoff', ...args);
      expect(code).toBe(1);
      expect(await count()).toEqual(nothing);
      return stderr;
    };
    expect(await refused('Look')).toMatch(/^There is nothing to hand over: no change against [0-9a-f]{40}\.\n$/);
    expect(await refused(' ')).toContain('Say in a sentence');
    const token = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
    await writeFile(join(clone, 'env.txt'), `a\nTOKEN=${token}\n`);
    const secret = await refused('Look');
    expect(secret).toContain('`env.txt`, line 2, has what looks like a GitHub token.');
    expect(secret).not.toContain(token);
    await rm(join(clone, 'env.txt'));
    await writeFile(join(clone, 'large.bin'), randomBytes(21_000_000));
    expect(await refused('Look')).toContain('at most 20.0 MB can be handed over');
    await rm(join(clone, 'large.bin'));
    expect(await refused('Look', '--repository', 'nowhere')).toContain('there are: upstream');
    const foreign = join(service.dir, 'foreign');
    await line.git(service.dir, 'init', '--quiet', foreign);
    expect((await line.shipmate(foreign, 'handoff', 'Look')).stderr).toContain('has no commit yet');
    await line.git(foreign, 'commit', '--quiet', '--allow-empty', '-m', 'Elsewhere');
    expect((await line.shipmate(foreign, 'handoff', 'Look')).stderr).toContain('has no commit in common with main');
    expect((await line.shipmate(service.dir, 'handoff', 'Look')).stderr).toContain('is not in a work tree');

    await mkdir(join(clone, '.github'));
    await writeFile(join(clone, '.github/ci.yml'), 'on: push\n');
    const warned = await line.shipmate(clone, 'handoff', 'Look at this', '--no-assign', '--title', 'Later');
    expect(warned.stdout).toContain('`.github/ci.yml` is CI configuration. It is taken over, but the finished change');
    expect(warned.stdout).toContain('Nobody has it yet');
    const name = warned.stdout.split(' ')[0] ?? '';
    expect((await service.app.desk.show(name)).ticket).toMatchObject({ title: 'Later', assignee: null });
    expect(await service.app.sessions.view(name)).toBe(null);
  });

  test('files that come back after a squash merge are put on the newest base, and nothing of the merged change with them; also after a run that failed as it had taken them', async ({
    expect,
  }) => {
    const other = await startTestService({
      script,
      files,
      change: (config) => ({ ...config, failpoints: 'handover/taken:throw' }),
    });
    try {
      const there = await commandLineOf(other);
      const first = await other.work({ title: 'Is squashed' });
      const name = first.ticket.identifier;
      const clone = await there.clone('squashing');
      const place = join(other.dir, 'squashed');
      expect((await there.shipmate(clone, 'pull', name, place)).stderr).toBe('');
      await writeFile(join(place, 'by-hand.txt'), 'by hand\n');
      await there.git(clone, 'merge', '--quiet', '--squash', `origin/${first.branch}`);
      await writeFile(join(clone, 'later.txt'), 'later\n');
      await there.git(clone, 'add', '.');
      await there.git(clone, 'commit', '--quiet', '-m', 'Squashed');
      await there.git(clone, 'push', '--quiet', 'origin', 'main');

      expect((await there.shipmate(place, 'resume', name)).stdout).toContain('are handed back');
      expect((await other.rest(name, 2)).state).toBe('error');
      await other.app.desk.comment(name, 'continue', someone);
      const done = await other.rest(name, 3);
      expect([done.state, done.branch]).toEqual(['complete', `${first.branch}-2`]);
      const newest = await other.git('rev-parse', 'main');
      expect(await other.git('merge-base', 'main', done.branch ?? '')).toBe(newest);
      expect(await other.git('diff', '--name-status', 'main', done.branch ?? '')).toBe('A\tby-hand.txt');
    } finally {
      await other.stop();
    }
  });

  test('a run that fails as it has taken it: the next one has it, and is told of it', async ({ expect }) => {
    const other = await startTestService({
      script: `tickets:\n  Falls:\n    - expect: ["handed it over"]\n      calls: [{ tool: ask, input: { question: What now? } }]\n`,
      files,
      change: (config) => ({ ...config, failpoints: 'handover/taken:throw' }),
    });
    try {
      const there = await commandLineOf(other);
      const clone = await there.clone('web');
      await writeFile(join(clone, 'one.txt'), 'mine\n');
      const name = (await there.shipmate(clone, 'handoff', 'Falls')).stdout.split(' ')[0] ?? '';
      expect((await other.rest(name)).state).toBe('error');
      await other.app.desk.comment(name, 'continue', someone);
      expect((await other.rest(name, 2)).runs[1]?.outcome?.message).toContain('What now?');
      const { rows } = await other.database.pool.query('select tree from snapshots');
      expect(rows).toEqual([{ tree: await treeOf(clone) }]);
    } finally {
      await other.stop();
    }
  });

  test('kill -9 at each of its moments leaves nothing, or a ticket with all of it', async ({ expect }) => {
    const clone = await line.clone('killed');
    await writeFile(join(clone, 'one.txt'), 'mine\n');
    const tree = await treeOf(clone);
    for (const [point, filed] of [
      ['handoff/before', 0],
      ['handoff/mid', 0],
      ['accept/mid', 0],
      ['handoff/after', 1],
    ] as const) {
      const before = await count();
      expect(await line.started(clone, `${point}:kill`, 'handoff', 'Survives')).toBe('SIGKILL');
      const after = await count();
      expect([point, after.tickets - before.tickets, after.handovers - before.handovers]).toEqual([
        point,
        filed,
        filed,
      ]);
    }
    const [{ number }] = await query('select number from board_tickets order by number desc limit 1');
    const identifier = `BOARD-${number}`;
    const asked = await service.rest(identifier);
    expect(asked.runs[0]?.outcome?.message).toContain('What now?');
    const [snapshot] = await query('select tree from snapshots where session_id = $1', [asked.id]);
    expect(snapshot.tree).toBe(tree);

    const place = join(service.dir, 'back');
    expect((await line.shipmate(clone, 'pull', identifier, place)).stderr).toBe('');
    await writeFile(join(place, 'one.txt'), 'mine, and back\n');
    const waits = await count();
    expect(await line.started(place, 'resume/mid:kill', 'resume', identifier)).toBe('SIGKILL');
    expect(await count()).toEqual(waits);
    expect((await service.app.desk.show(identifier)).ticket.comments).toEqual([]);
    expect(await line.started(place, 'resume/after:kill', 'resume', identifier)).toBe('SIGKILL');
    const again = await service.rest(identifier, 2);
    expect(again.runs[1]?.outcome?.message).toContain('And now?');
    const back = await query('select tree from snapshots where session_id = $1 order by created_at', [asked.id]);
    expect(back.map((row) => row.tree)).toEqual([tree, await treeOf(place)]);
  }, 120_000);
});
