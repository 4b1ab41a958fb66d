import { readdir, readFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SessionView } from '../../src/app.ts';
import type { TicketHint } from '../../src/core/ticket.ts';
import { branchCommit } from '../stand-ins/github/git.ts';
import { type Installing, installing } from '../stand-ins/github/installing.ts';
import { makeCommit, renameRepository } from '../stand-ins/github/repositories.ts';
import type { Issue } from '../stand-ins/github/rows.ts';
import { reportRun } from '../stand-ins/github/workflow-runs.ts';
import { type GitHubService, startGitHubService } from '../support/github-service.ts';
import { someone } from '../support/service.ts';

const bash = (command: string) => `calls: [{ tool: bash, input: { command: ${JSON.stringify(command)} } }]`;
const finish = 'calls: [{ tool: finish, input: { title: It, summary: It is there. } }]';
const answer = 'calls: [{ tool: finish, input: { title: It, summary: s, answer: It is not mine to mend. } }]';
const code = { 'readme.txt': 'hello\n', '.shipmate.yml': 'verify: [test -s readme.txt]\n' };

/** A first run; then one that stops in its midst until `<name>` is let go; then what follows. */
const twice = (name: string, ...more: string[]) =>
  [bash('echo one > a.txt'), finish, bash('echo two > c.txt'), `until: ${name}\n      ${finish}`, ...more]
    .map((each) => `    - ${each}`)
    .join('\n');

const script = `
replies:
  - ${bash('date +%N > a.txt')}
  - ${finish}
tickets:
  Held:
    - ${bash('echo one > held.txt')}
    - until: held
      ${finish}
    - ${bash('echo two > held.txt')}
    - ${finish}
  Deleted:
${twice('deleted', `expect: ["closed without being merged"]\n      ${finish}`)}
  Rewritten:
${twice('rewritten', `expect: ["was rewritten"]\n      ${bash('cat theirs.txt')}`, finish)}
  Merged:
${twice('merged')}
  Answered:
    - ${bash('echo one > b.txt')}
    - ${finish}
    - until: answered
      ${answer}
  Closed:
${['one', 'two'].map((word) => `    - ${bash(`echo ${word} > d.txt`)}\n    - ${finish}\n`).join('')}  Logs:
    - ${bash('echo one > logs.txt')}
    - ${finish}
    - expect: ["Error: in the midst of it", "There is no log of it"]
      ${answer}
`;

const lines: string[] = [];
const logTo = new Writable({
  write(chunk, _encoding, done) {
    lines.push(String(chunk));
    done();
  },
});

let service: GitHubService;
beforeAll(async () => {
  service = await startGitHubService({
    ...{ script, code, logTo, logLevel: 'debug' },
    change: (config) => ({
      ...config,
      repositories: [
        ...config.repositories,
        ...['acme/slash', 'acme/empty', 'acme/archived', 'bob/fork', 'acme/none'].map((location) => ({
          ...{ name: location.split('/')[1] ?? '', codeHost: 'github', location, base: null },
          account: location.split('/')[0] ?? '',
        })),
      ],
    }),
  });
  const { github, remote } = service;
  await github.addRepository('acme/slash', { files: code, defaultBranch: 'trunk/main' });
  await github.addRepository('acme/empty', { isEmpty: true });
  await github.addRepository('acme/archived', { files: code, isArchived: true });
  const fork = await github.addRepository('bob/fork', { parent: remote });
  github.apps.install(fork.owner, [fork]);
});
afterAll(() => service?.stop());
afterEach(() => service.github.faults.clear());

const query = (text: string) => service.database.pool.query(text);

async function give(title: string, repository = 'app') {
  const draft = { title, description: `[repo=${repository}]`, assignee: 'shipmate' };
  const { identifier } = await service.app.desk.createTicket(draft, someone);
  const view = async () => (await service.app.sessions.view(identifier)) as SessionView | null;
  const said = async () =>
    ((await view())?.activities ?? []).flatMap(({ activity }) => ('body' in activity ? [activity.body] : []));
  const ended = async () => (await view())?.runs.map(({ outcome }) => outcome?.stopReason) ?? [];
  const progress = async () => (await view())?.progress ?? null;
  const own = () => service.requests().filter(({ title: text }) => text.startsWith(`${identifier}:`));
  return {
    ...{ identifier, view, said, ended, own },
    say: (text: string) => service.app.desk.comment(identifier, text, someone),
    green: (runs = 1) =>
      expect
        .poll(async () => [(await ended()).length, await progress(), (await view())?.state], { timeout: 40_000 })
        .toEqual([runs, expect.stringMatching(/green/), 'complete']),
    says: (text: string) => expect.poll(said, { timeout: 40_000 }).toContainEqual(expect.stringContaining(text)),
    rests: (runs: number) => service.rest(identifier, runs),
    atWork: (actions: number) =>
      expect
        .poll(async () => (await view())?.activities.filter(({ activity }) => 'result' in activity).length ?? 0, {
          timeout: 40_000,
        })
        .toBeGreaterThanOrEqual(actions),
    request(): Issue {
      const [newest] = own().slice(-1);
      if (!newest) throw new Error(`${identifier} has no pull request.`);
      return newest;
    },
  };
}

async function categoryOf(identifier: string): Promise<string | undefined> {
  const hint = { id: identifier, tracker: 'board' } as TicketHint;
  return (await service.app.trackers.get('board')?.readTicket(hint, AbortSignal.timeout(10_000)))?.state.category;
}

/** What has arrived on a ticket, oldest first. */
async function shown(identifier: string): Promise<string[]> {
  const { rows } = await service.database.pool.query(
    `select e.operation -> 'activity' ->> 'body' as body from effects e join sessions s on s.id = e.session_id
      join tickets t on t.id = s.ticket_id
      where t.identifier = $1 and e.state = 'done' and e.operation ->> 'kind' = 'postActivity' order by e.seq`,
    [identifier],
  );
  return rows.map(({ body }) => body ?? '');
}

/** Nobody waits a minute for it. */
const lookNow = () => query('update followed_requests set look_at = now() where look_at is not null');
async function goOnNow(): Promise<void> {
  await query('update accounts set open_at = now()');
  await query('update runs set not_before = now() where ended_at is null');
}

/** All of this machine's command lines. */
async function commandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return (await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))).join('\n');
}

/** As they go over the wire: plain, and as git sends them. */
const tokens = () =>
  service.github.apps.tokens.flatMap(({ value }) => [value, Buffer.from(`x-access-token:${value}`).toString('base64')]);

describe('GitHub at its worst', { timeout: 180_000 }, () => {
  test('a token of 520 characters ends in the middle of a push: another is made, for that repository and nothing else', async () => {
    const { github } = service;
    github.faults.add(
      { operation: 'git/receive-pack', nth: 1, action: { type: 'expire' } },
      { operation: 'git/receive-pack', nth: 2, action: { type: 'late', ms: 1_500 } },
    );
    const ticket = await give('Expires');
    const pushes = () => github.requests.filter(({ operation }) => operation === 'git/receive-pack').length;
    await expect.poll(pushes, { timeout: 40_000 }).toBeGreaterThanOrEqual(4);
    const running = await commandLines();
    expect(running).toContain('--force-with-lease=refs/heads/shipmate/');
    await ticket.green();
    const all = tokens();
    expect(Math.min(...all.map(({ length }) => length))).toBeGreaterThanOrEqual(500);
    expect(all.filter((token) => running.includes(token))).toEqual([]);
    const mayWrite = github.apps.tokens.filter(({ permissions }) => permissions.contents === 'write');
    const narrow = mayWrite.filter(({ repositories }) => repositories !== null);
    expect(narrow.map(({ permissions }) => permissions)).toEqual(
      narrow.map(() => ({ metadata: 'read', contents: 'write' })),
    );
    expect(narrow.map(({ repositories }) => repositories?.length)).toEqual(narrow.map(() => 1));
  });

  test('the App is suspended while a run works, and as one begins: the ticket says so, and it goes on', async () => {
    const { github, remote } = service;
    const by: Installing = installing(github, remote.owner);
    const [installation] = github.apps.installations;
    if (!installation) throw new Error('There is no installation.');
    const ticket = await give('Held');
    await ticket.atWork(1);
    by.suspend(installation);
    await service.letGo('held');
    await expect
      .poll(() => shown(ticket.identifier), { timeout: 40_000 })
      .toContainEqual(
        expect.stringMatching(
          /^This waits: pushing shipmate\/\S+ to app\. The GitHub App is suspended on acme\/app\. Somebody who may must unsuspend it at \S+\/settings\/installations\/\d+\./,
        ),
      );
    by.unsuspend(installation);
    await goOnNow();
    await ticket.green();
    by.suspend(installation);
    await ticket.say('More, please');
    const waits = async () =>
      (await shown(ticket.identifier)).filter((body) => body.endsWith('I go on by myself when that is mended.')).length;
    await expect.poll(waits, { timeout: 40_000 }).toBe(2);
    by.unsuspend(installation);
    await goOnNow();
    await ticket.green(2);
    expect(await waits()).toBe(2);
  });

  test('a repository that is taken from the App while its pull request is followed: people are asked, and told when it is back', async () => {
    const { github, remote } = service;
    const by = installing(github, remote.owner);
    const [installation] = github.apps.installations;
    if (!installation) throw new Error('There is no installation.');
    const ticket = await give('Taken away');
    await ticket.green();
    installation.selected = new Set(github.repositories);
    by.remove(installation, remote);
    const isAsked = async () => {
      await lookNow();
      return ((await ticket.view())?.activities ?? []).filter(({ activity }) => activity.type === 'elicitation').length;
    };
    await expect.poll(isAsked, { timeout: 40_000, interval: 1_500 }).toBe(1);
    await ticket.says(`I cannot look at ${(await ticket.view())?.pullRequest?.url}`);
    expect((await ticket.view())?.state).toBe('awaitingInput');
    by.add(installation, remote);
    installation.selected = null;
    await lookNow();
    await ticket.says('again, and go on from there');
    expect((await ticket.view())?.state).toBe('complete');
  });

  test('a branch that a person deletes in mid-run: the ticket says what became of it, and the work comes by another', async () => {
    const ticket = await give('Deleted');
    await ticket.green();
    await ticket.say('More, please');
    await ticket.atWork(3);
    const branch = ticket.request().pull?.head ?? '';
    await service.ada.setBranch(branch, null);
    await ticket.says(`ada closed ${(await ticket.view())?.pullRequest?.url} without merging it.`);
    await service.letGo('deleted');
    expect(await ticket.rests(2)).toMatchObject({ state: 'error' });
    await ticket.says(`Branch "${branch}" of acme/app is gone; we left it at`);
    await ticket.says('Say "continue": I look at what became of the branch and its pull request');
    await ticket.say('continue');
    const third = await ticket.rests(3);
    expect([third.state, third.runs.at(-1)?.outcome?.message]).toMatchObject(['awaitingInput', expect.anything()]);
    await ticket.says('Is there to be another one?');
    await ticket.say('Yes, another');
    await ticket.green(4);
    expect(ticket.request().pull?.head).toBe(`${branch}-2`);
  });

  test('a branch that a person rewrites in mid-run: nothing of theirs is overwritten', async () => {
    const { remote, ada } = service;
    const ticket = await give('Rewritten');
    await ticket.green();
    await ticket.say('More, please');
    await ticket.atWork(3);
    const branch = ticket.request().pull?.head ?? '';
    const parent = await branchCommit(remote.dir, 'main');
    const theirs = await makeCommit(remote.dir, parent, { 'theirs.txt': 'theirs\n' }, 'Mine now');
    await ada.setBranch(branch, theirs);
    await service.letGo('rewritten');
    expect(await ticket.rests(2)).toMatchObject({ state: 'error' });
    await ticket.says('somebody else changed it. Nothing was pushed.');
    expect(await branchCommit(remote.dir, branch)).toBe(theirs);
    await ticket.say('continue');
    await ticket.says('was rewritten: it is at');
    await ticket.rests(3);
    await ticket.say('continue');
    await ticket.green(4);
    expect(ticket.own()).toHaveLength(1);
  });

  test('a merge in mid-run: what is finished then becomes a pull request of its own, and the ticket is done after that', async () => {
    const ticket = await give('Merged');
    await ticket.green();
    await ticket.say('More, please');
    await ticket.atWork(3);
    const first = ticket.request();
    await service.ada.merge(first.number, 'squash');
    await service.ci.settled();
    await ticket.says('was merged. I look after what runs on `main` now.');
    await delay(1_500); // its base is looked at meanwhile
    expect(await branchCommit(service.remote.dir, first.pull?.head ?? '')).not.toBeNull();
    await service.letGo('merged');
    await ticket.green(2);
    expect(ticket.own().map(({ state }) => state)).toEqual(['closed', 'open']);
    await service.ada.merge(ticket.request().number, 'merge');
    await service.ci.settled();
    await ticket.says('and `main` is fine with it');
    await expect.poll(() => categoryOf(ticket.identifier)).toBe('done');
  });

  test('a merge in mid-run of one that comes to nothing more: the ticket is done then', async () => {
    const ticket = await give('Answered');
    await ticket.green();
    await ticket.say('What is it?');
    await expect.poll(async () => (await ticket.ended()).length).toBe(2);
    await service.ada.merge(ticket.request().number);
    await service.ci.settled();
    await ticket.says('was merged. I look after what runs on `main` now.');
    await service.letGo('answered');
    await ticket.says('and `main` is fine with it');
    expect(await ticket.ended()).toEqual(['finished', 'finished']);
  });

  test('closed by a person: who then says what should be different is not asked once more', async () => {
    const ticket = await give('Closed');
    await ticket.green();
    await service.ada.close(ticket.request().number);
    await ticket.says('say here what should be different, or reopen it, and I go on');
    await ticket.say('Say it in French');
    await ticket.green(2);
    expect(ticket.own().map(({ state }) => state)).toEqual(['closed', 'open']);
  });

  test('logs of many megabytes, of nothing, that are gone, and that never come: the agent gets what there is', async () => {
    const { github, remote } = service;
    const ticket = await give('Logs');
    await ticket.green();
    const block = Buffer.from(`2026-01-01T00:00:00.0000000Z ${'x'.repeat(1_000)}\n`.repeat(1_000));
    async function* huge() {
      for (let each = 0; each < 40; each++) {
        yield block;
        if (each === 20) yield Buffer.from('2026-01-01T00:00:01.0000000Z Error: in the midst of it\n');
      }
    }
    async function* silent() {
      await delay(60_000, undefined, { ref: false });
      yield block;
    }
    const logs = { huge, empty: new Uint8Array(), old: 'gone' as const, silent };
    const jobs = Object.entries(logs).map(([name, log]) => ({ name, log, conclusion: 'failure' as const }));
    reportRun(github, remote, ticket.request().pull?.headSha ?? '', { workflow: 'Other', jobs });
    await expect.poll(ticket.ended, { timeout: 60_000 }).toEqual(['finished', 'finished']);
    await ticket.says('I do not get them green');
  });

  test('one that is open already, and to be asked more slowly: it waits, and there is one', async () => {
    const { github, remote, ada } = service;
    github.faults.add(
      { operation: 'git/receive-pack', nth: 1, action: { type: 'rateLimit', shape: 'secondary', seconds: 1 } },
      { operation: 'pulls/list', nth: 1, action: { type: 'rateLimit', shape: 'secondary', seconds: 1 } },
      { operation: 'pulls/create', nth: 1, action: { type: 'late', ms: 1_500 } },
    );
    const ticket = await give('Crowded');
    const branches = () => github.requests.find(({ operation }) => operation === 'pulls/create')?.body;
    github.requests.length = 0;
    await expect.poll(branches, { timeout: 40_000 }).toBeTruthy();
    const { head } = branches() as { head: string };
    const theirs = await ada.open({ title: 'Mine', body: 'Mine', head, base: 'main' });
    await ticket.green();
    const all = [...remote.issues.values()].filter(({ pull }) => pull?.head === head);
    expect(all.map(({ number, title }) => [number, title])).toEqual([
      [theirs.number, expect.stringContaining(ticket.identifier)],
    ]);
  });

  test('a repository that is renamed: its webhooks are heard, and the merge by them', async () => {
    const ticket = await give('Renamed');
    await ticket.green();
    renameRepository(service.remote, 'after');
    await lookNow();
    await expect
      .poll(async () => (await query('select from followed_requests where look_at <= now()')).rowCount)
      .toBe(0);
    try {
      await service.ada.merge(ticket.request().number);
      await service.ci.settled();
      await ticket.says('was merged. I look after what runs on `main` now.');
      await ticket.says('and `main` is fine with it');
    } finally {
      renameRepository(service.remote, 'app');
      service.remote.formerNames = [];
    }
  });

  test('repositories of every kind: what cannot be done is said, with what to do', async () => {
    const [slash, fork, empty, archived, none] = await Promise.all(
      ['slash', 'fork', 'empty', 'archived', 'none'].map((name) => give(`In ${name}`, name)),
    );
    await slash?.green();
    await fork?.green();
    const opened = ['acme/slash', 'bob/fork'].map((name) =>
      [...service.github.repository(name).issues.values()].map(({ pull }) => pull?.base),
    );
    expect(opened).toEqual([['trunk/main'], ['main']]);
    await empty?.says('Push a first commit');
    await archived?.says('Unarchive it, or take it out of shipmate.yaml.');
    await none?.says('or correct the repository in shipmate.yaml');
    await Promise.all([empty, archived, none].map((ticket) => ticket?.rests(1)));
  });

  test('no token of all these stands in the log, a row, or a URL', async () => {
    const { github } = service;
    const { rows } = await query(`select coalesce(string_agg(query_to_xml(
      format('select * from %I.%I', schemaname, tablename), true, false, '')::text, ''), '') as all
      from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`);
    const places = {
      log: lines.join(''),
      rows: rows[0].all as string,
      urls: github.requests.map(({ url }) => url).join(),
    };
    expect(places.rows).toContain('The GitHub App is suspended');
    const found = Object.entries(places).flatMap(([name, text]) =>
      [...tokens(), github.apps.app.privateKey.split('\n')[1] ?? '-'].some((token) => text.includes(token))
        ? [name]
        : [],
    );
    expect(found).toEqual([]);
    const pushed = github.repositories.map(({ dir }) => dir);
    expect(pushed.length).toBeGreaterThan(4);
  });
});

describe('without an address that GitHub could reach', { timeout: 180_000 }, () => {
  let polled: GitHubService;
  beforeAll(async () => {
    const plain = `replies:\n  - ${bash('date +%N > a.txt')}\n  - ${finish}\n`;
    polled = await startGitHubService({ script: plain, code, checks: 'true', pollSeconds: 1 });
  });
  afterAll(() => polled?.stop());

  const phases = async () =>
    (await polled.database.pool.query('select phase from followed_requests order by phase')).rows.map(
      ({ phase }) => phase,
    );

  test('a ticket comes to its end, and pull requests at rest cost nothing to look after', async () => {
    await polled.work({ title: 'Polled' });
    await expect.poll(phases, { timeout: 40_000 }).toEqual(['green']);
    await polled.ada.merge(1);
    await polled.ci.settled();
    await expect.poll(phases, { timeout: 40_000 }).toEqual(['landed']);
    for (let each = 0; each < 10; each++) await polled.work({ title: `Idle ${each}` });
    await polled.ci.settled();
    await expect.poll(phases, { timeout: 60_000 }).toEqual([...Array(10).fill('green'), 'landed']);
    await delay(3_000); // what was written last is seen
    const { requests } = polled.github;
    requests.length = 0;
    const looks = () => requests.filter(({ operation }) => operation === 'pulls/get').length;
    await expect.poll(looks, { timeout: 30_000 }).toBeGreaterThanOrEqual(40);
    const counted = requests.filter(({ status }) => status !== 304 && status !== null);
    expect(counted.map(({ operation, status }) => `${operation} ${status}`)).toEqual([]);
    expect(polled.github.outbox.log.filter(({ statusCode }) => statusCode !== 0)).toEqual([]);
  });
});
