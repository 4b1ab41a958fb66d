import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { standing } from '../../src/cli/resume.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';
import { type CommandLine, commandLineOf } from './clone.ts';

const odd = [
  String.raw`printf '\000\001\377' > bin.dat`,
  `printf '#!/bin/sh\\necho hi\\n' > run.sh && chmod +x run.sh`,
  `ln -s one.txt link`,
  `rm gone.txt`,
  `git mv -q old.txt 'sub dir/new name.txt' 2>/dev/null || (mkdir -p 'sub dir' && mv old.txt 'sub dir/new name.txt')`,
  `echo umlaut > 'größe ☃.txt'`,
  `echo trace > debug.log`,
  `printf '* filter=evil\\n' > .gitattributes`,
].join(' && ');

const script = `
tickets:
  Odd files:
    - calls:
        - { tool: update_plan, input: { steps: [{ content: Look, status: completed }, { content: Mend, status: inProgress }] } }
        - { tool: bash, input: { command: ${JSON.stringify(odd)} } }
    - calls: [{ tool: bash, input: { command: "cat /workspace/one.txt && false" } }]
    - calls: [{ tool: ask, input: { question: Which way? } }]
    - expect: ["handed it over", "Go on from there"]
      calls: [{ tool: bash, input: { command: "test -x 'by hand.sh' && test ! -e bin.dat && git diff --stat" } }]
    - calls: [{ tool: ask, input: { question: And now? } }]
    - expect: ["Left to right"]
      calls: [{ tool: ask, input: { question: Which way is that? } }]
  Is published:
    - calls: [{ tool: bash, input: { command: "echo two > two.txt" } }]
    - calls: [{ tool: finish, input: { title: Two, summary: Two is there. } }]
    - expect: ["More"]
      calls: [{ tool: bash, input: { command: "echo three > three.txt && echo more >> two.txt" } }]
    - calls: [{ tool: ask, input: { question: Four? } }]
  Takes long:
    - calls: [{ tool: bash, input: { command: "echo half > half.txt" } }]
    - calls: [{ tool: bash, input: { command: "sleep 60" } }]
`;
const files = {
  'one.txt': 'one\n',
  'gone.txt': 'gone\n',
  'old.txt': `${'old\n'.repeat(20)}`,
  '.gitignore': '*.cache\n',
  '.shipmate.yml': 'setup: ["touch set-up.cache"]\nverify: [test -s one.txt]\n',
};

test('resume says how the ticket stands, not what was hoped for', ({ expect }) => {
  const body = 'This ticket has started 1 runs within an hour (policy.runsPerHour), so I wait.';
  const activities = [{ seq: 1, at: new Date(), activity: { type: 'elicitation' as const, body } }];
  expect(standing('BOARD-1', { state: 'awaitingInput', activities })).toMatch(
    /^BOARD-1 does not go on: it is awaitingInput\.\n.*This ticket has started 1 runs within an hour/,
  );
  expect(standing('BOARD-1', { state: 'active', activities })).toMatch(/^BOARD-1 has heard it\. .* watch BOARD-1$/);
});

describe('shipmate pull and resume', () => {
  let service: TestService;
  let line: CommandLine;
  let clone: string;
  beforeAll(async () => {
    service = await startTestService({ script, files });
    line = await commandLineOf(service);
    clone = await line.clone('web');
  });
  afterAll(() => service?.stop());

  const newestTree = async (id: string) => {
    const { rows } = await service.database.pool.query(
      'select tree from snapshots where session_id = $1 order by step_seq desc, created_at desc limit 1',
      [id],
    );
    return rows[0].tree as string;
  };
  const treeOf = async (dir: string) => {
    await line.git(dir, 'add', '--all');
    return line.git(dir, 'write-tree');
  };

  test('files of every kind come over exactly, and go back exactly; filters and hooks are not run', async ({
    expect,
  }) => {
    await line.git(clone, 'config', 'filter.evil.smudge', `touch ${service.dir}/smudged; cat`);
    await writeFile(join(clone, '.git/hooks/post-checkout'), `#!/bin/sh\ntouch ${service.dir}/hooked\n`, {
      mode: 0o755,
    });
    await writeFile(join(clone, '.git/info/exclude'), '*.log\n');
    const session = await service.work({ title: 'Odd files' });
    const name = session.ticket.identifier;
    const pulled = await line.shipmate(clone, 'pull', name, '--setup');
    expect(pulled.stderr).toBe('');
    expect(pulled.code).toBe(0);

    const place = join(service.dir, `web-${name}`);
    expect(await line.git(place, 'symbolic-ref', '--short', 'HEAD')).toBe(`shipmate/${name}-odd-files`);
    expect(await line.git(place, 'rev-parse', 'HEAD')).toBe(await line.git(clone, 'rev-parse', 'origin/main'));
    expect(await line.git(place, 'write-tree')).toBe(await newestTree(session.id));
    expect(await readFile(join(place, 'bin.dat'))).toEqual(Buffer.from([0, 1, 255]));
    expect((await lstat(join(place, 'run.sh'))).mode & 0o111).toBe(0o111);
    expect(await readlink(join(place, 'link'))).toBe('one.txt');
    expect(existsSync(join(place, 'gone.txt'))).toBe(false);
    expect(await readFile(join(place, 'sub dir/new name.txt'), 'utf8')).toBe(files['old.txt']);
    expect(await readFile(join(place, 'größe ☃.txt'), 'utf8')).toBe('umlaut\n');
    expect(await readFile(join(place, 'debug.log'), 'utf8')).toBe('trace\n');
    expect(existsSync(join(place, 'set-up.cache'))).toBe(true);
    expect([existsSync(join(service.dir, 'smudged')), existsSync(join(service.dir, 'hooked'))]).toEqual([false, false]);
    expect(await line.git(clone, 'status', '--porcelain')).toBe('');

    expect(pulled.stdout).toContain(`cd ${place}\ncat ${place}/one.txt && false\n`);
    expect(pulled.stdout).toContain('Set-up     touch set-up.cache');
    expect(pulled.stdout).toContain('[x] Look\n[>] Mend');
    expect(pulled.stdout).toContain('Look at .gitattributes before you run or open anything there');
    const log = await readFile(`${place}.log`, 'utf8');
    expect(log).toMatch(/Last failing command \(agent\):\n\$ cat \/workspace\/one.txt && false\nexit 1 .*\none\n/);
    expect(log).toContain('elicitation: Which way?');

    const again = await line.shipmate(clone, 'pull', name);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('holds BOARD-1 already. With --force')]);
    expect((await line.shipmate(clone, 'pull', name, '--force')).code).toBe(0);

    await rm(join(place, 'bin.dat'));
    await writeFile(join(place, 'by hand.sh'), 'echo by hand\n');
    await chmod(join(place, 'by hand.sh'), 0o755);
    await rename(join(place, 'sub dir/new name.txt'), join(place, 'ünïcode.txt'));
    await rm(join(place, 'link'));
    await symlink('sub dir', join(place, 'link'));
    await mkdir(join(place, 'deep/er'), { recursive: true });
    await writeFile(join(place, 'deep/er/file'), Buffer.from([1, 0, 2]));
    const refused = await line.shipmate(clone, 'pull', name, '--force');
    expect(refused.stderr).toContain(`There are changes of yours in ${place}`);

    const before = await newestTree(session.id); // once resumed, the run takes snapshots of its own
    const resumed = await line.shipmate(place, 'resume', name);
    expect(resumed.stdout).toMatch(/^\d+ changed file\(s\) are handed back/);
    expect(await line.git(place, 'write-tree')).toBe(before); // the index is as it was
    const second = await service.rest(name, 2);
    expect(second.runs[1]?.outcome).toMatchObject({
      stopReason: 'needsInput',
      message: expect.stringContaining('And now?'),
    });
    expect(second.activities.filter(({ activity }) => JSON.stringify(activity).includes('exit 0'))).not.toEqual([]);
    expect(await newestTree(session.id)).toBe(await treeOf(place));

    const unchanged = await line.shipmate(place, 'resume', name, 'Left', 'to', 'right');
    expect(unchanged.stdout).toMatch(/^Nothing was changed here since it was pulled\.\nBOARD-1 has heard it\./);
    const third = await service.rest(name, 3);
    expect(third.runs[2]?.outcome?.message).toContain('Which way is that?');
  });

  test('a published branch, with what came after it uncommitted; a clone that is behind, foreign, or holds the branch', async ({
    expect,
  }) => {
    const first = await service.work({ title: 'Is published' });
    const name = first.ticket.identifier;
    await service.app.desk.comment(name, 'More', someone);
    const session = await service.rest(name, 2);
    const head = session.headCommit ?? '';
    const pulled = await line.shipmate(service.dir, 'pull', name, '--repo', clone, 'mine');
    expect([pulled.code, pulled.stderr]).toEqual([0, '']);
    const place = join(service.dir, 'mine');
    expect(await line.git(place, 'rev-parse', 'HEAD')).toBe(head);
    expect(await line.git(place, 'status', '--porcelain')).toBe('A  three.txt\nM  two.txt');
    expect(pulled.stdout).toContain(`Published  ${head}`);

    const other = await line.shipmate(clone, 'pull', name);
    expect(other.stderr).toContain(`The branch ${session.branch} is checked out in ${place}.`);
    await line.git(clone, 'worktree', 'remove', '--force', place);
    const taken = await line.shipmate(clone, 'pull', name, 'again');
    expect(taken.stderr).toContain('with --force it is used');
    expect((await line.shipmate(clone, 'pull', name, join(service.dir, 'again'), '--force')).stderr).toBe('');
    await line.git(clone, 'worktree', 'remove', '--force', join(service.dir, 'again'));
    await line.git(clone, 'branch', '-D', session.branch ?? '');
    await line.git(
      clone,
      'branch',
      session.branch ?? '',
      await line.git(clone, 'commit-tree', '-m', 'Mine', 'HEAD^{tree}'),
    );
    const mine = await line.shipmate(clone, 'pull', name, '--force');
    expect(mine.stderr).toContain('with commits of its own. Give it another name first: git branch -m');
    await writeFile(join(service.dir, 'file'), 'x');
    await mkdir(join(service.dir, 'full'));
    await writeFile(join(service.dir, 'full/file'), 'x');
    expect((await line.shipmate(clone, 'pull', name, join(service.dir, 'full'))).stderr).toContain('is not empty');

    const foreign = join(service.dir, 'foreign');
    await line.git(service.dir, 'init', '--quiet', foreign);
    await line.git(foreign, 'commit', '--quiet', '--allow-empty', '-m', 'Elsewhere');
    const strange = await line.shipmate(foreign, 'pull', name);
    expect(strange.stderr).toMatch(/does not have the commit [0-9a-f]{40} that BOARD-2 stands on\. .*git fetch/);
    expect((await line.shipmate(service.dir, 'pull', name)).stderr).toContain(
      'is not in a work tree of a git repository',
    );
    expect((await line.shipmate(clone, 'pull', 'BOARD-99')).stderr).toContain('There is no ticket "BOARD-99"');
  });

  test('at work: its newest snapshot, and that it works on; --stop stops it first; before that, resume takes nothing', async ({
    expect,
  }) => {
    const { identifier: name } = await service.app.desk.createTicket(
      { title: 'Takes long', assignee: service.config.trackers.board.agent },
      someone,
    );
    await expect
      .poll(async () => JSON.stringify((await service.app.sessions.view(name))?.activities), { timeout: 30_000 })
      .toContain('sleep 60');
    const place = join(service.dir, 'long');
    const working = await line.shipmate(clone, 'pull', name, place);
    expect(working.stdout).toContain(`Shipmate is still at work on ${name}`);
    expect(await readFile(join(place, 'half.txt'), 'utf8')).toBe('half\n');
    expect((await line.shipmate(clone, 'resume', name)).stdout).toBe(`${name} is at work already.\n`);
    await writeFile(join(place, 'half.txt'), 'mine\n');
    expect((await line.shipmate(place, 'resume', name)).stderr).toContain(`${name} is at work on it`);
    await writeFile(join(place, 'half.txt'), 'half\n');
    const stopped = await line.shipmate(clone, 'pull', name, place, '--stop', '--force');
    expect([stopped.code, stopped.stderr]).toEqual([0, '']);
    expect(stopped.stdout).not.toContain('still at work');
    expect((await service.rest(name)).state).toBe('stopped');
  });
});
