import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { describeConfig, loadConfig } from '../../src/config.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { key, nonEmpty, section } from '../../src/lib/documented-key.ts';
import { type BoardDelivery, signDelivery } from '../../src/trackers/board/delivery.ts';
import { type BoardDesk, createBoardDesk } from '../../src/trackers/board/desk.ts';
import { createBoardTracker } from '../../src/trackers/board/tracker.ts';
import { defineTracker } from '../../src/trackers/definition.ts';
import { trackers as shipped } from '../../src/trackers/index.ts';
import { aCapture } from '../support/captures.ts';
import { createTestDatabase } from '../support/database.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

interface PigeonSettings {
  agent: string;
  loft: string;
  secret: string;
}

/** Tickets by pigeon post. It keeps them as the board does; nothing in src knows of it. */
const pigeon = defineTracker({
  kind: 'pigeon',
  section: section({
    agent: key(nonEmpty.default('pip'), 'a name', "The agent's name on the ring."),
    loft: key(nonEmpty.default('north'), 'a loft', 'Where letters are dropped.'),
  }),
  environment: [
    {
      name: 'PIGEON_SECRET',
      meaning: 'Seals the letters; it switches pigeons on.',
      secret: 'list',
      inFile: { path: /pigeon/ },
    },
  ],
  off: 'no pigeon flies: set PIGEON_SECRET',
  read: (file, { PIGEON_SECRET: secret }, { http }) => ({
    settings: secret === null ? null : ({ ...file, secret } satisfies PigeonSettings),
    problems: http.host === '0.0.0.0' ? ['http.host is open to hawks.'] : [],
  }),
  agent: ({ agent }) => agent,
  pollSeconds: () => 1,
  async open({ agent, secret }, { pool }) {
    const board = createBoardTracker({ pool, agent, secret });
    return {
      ...board,
      ...{ kind: 'pigeon', source: 'pigeon' },
      // Pigeons are poor at words: what somebody said is looked up.
      verifyDelivery(headers, body) {
        const isHint = Buffer.from(body).includes('comment.created');
        return { ...board.verifyDelivery(headers, body), isHint };
      },
      readEvents: (delivery) => asPigeons(board.readEvents(delivery)),
      async readAgain(delivery, signal) {
        const [event] = asPigeons(board.readEvents(delivery));
        if (event?.type !== 'prompted') return [];
        const { comments } = await board.readTicket(event.ticket, signal);
        const there = comments.find(({ id }) => id === event.said.key);
        return there ? [{ ...event, said: { ...event.said, body: there.body } }] : [];
      },
      readTicket: async (hint, signal) => asPigeons(await board.readTicket(hint, signal)),
      createTicket: async (filing, signal) => asPigeons(await board.createTicket(filing, signal)),
      listTickets: async (query, cursor, signal) => asPigeons(await board.listTickets(query, cursor, signal)),
      searchTickets: async (words, limit, signal) => asPigeons(await board.searchTickets(words, limit, signal)),
      check: async () => [{ name: 'tracker pigeon', status: 'ok', message: 'all are in the loft' }],
    };
  },
  connect: {
    name: 'Pigeon post',
    about: { command: 'How to breed pigeons.', check: 'let one fly' },
    account: { name: 'loft', about: 'of several lofts, the one to fly to' },
    load: async () => ({
      steps: (settings) => [{ title: 'A pigeon', done: settings !== null, lines: ['Find an egg.'] }],
      lastStep: { title: 'A loft', later: 'Later.' },
      isOff: 'Pigeon post is off.',
      open: ({ loft }, { addressOf }) => ({
        look: async () => [{ name: loft, status: 'ok', message: `reached from ${addressOf('webhooks/pigeon')}` }],
        beginInstall: async () => ({ url: null, lines: [] }),
        async finishInstall({ code }) {
          if (code === 'coo') return `the ${loft} loft`;
          throw new VendorError('It did not coo.', { code: 'invalid', retryable: false });
        },
        accounts: async () => [{ id: loft, name: loft, key: loft, address: 'up there' }],
        async check({ onCheck }) {
          const check = { name: 'flight', status: 'ok', message: 'it came back' } as const;
          onCheck?.(check);
          return [check];
        },
      }),
    }),
  },
});

function asPigeons<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (name, each) => (name === 'tracker' && each === 'board' ? 'pigeon' : each));
}

/** All that is edited: the list. */
const trackers = [...shipped, pigeon] as const;
const secret = 'coo-coo-coo';

describe('a tracker is added by its definition alone:', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shipmate-pigeon-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  async function load(yaml: string, env: Record<string, string> = {}) {
    await writeFile(join(dir, 'shipmate.yaml'), yaml);
    return loadConfig({ cwd: dir, env, trackers });
  }
  const told = (yaml: string, env?: Record<string, string>) =>
    load(yaml, env).then(
      () => 'nothing',
      (error: Error) => error.message,
    );

  test('its settings and secrets are read, and what is wrong with them is told', async () => {
    const { trackers: read, secrets } = await load('trackers: { pigeon: { loft: south } }', { PIGEON_SECRET: secret });
    expect(read).toMatchObject({ pigeon: { agent: 'pip', loft: 'south', secret }, linear: null });
    expect(secrets).toEqual([secret]);
    expect(
      (await load('orders: { seeds: { tracker: pigeon } }', { PIGEON_SECRET: secret })).orders.seeds,
    ).toBeDefined();
    expect(await told('trackers: { pigeon: { lofft: x } }')).toContain('Did you mean trackers.pigeon.loft?');
    expect(await told('trackers: { pigeon: { loft: 1 } }')).toContain('trackers.pigeon.loft must be a loft, but is 1.');
    expect(await told('trackers: { pigeon: { apiKey: x } }')).toContain('in the environment, as PIGEON_SECRET');
    expect(await told('http: { host: 0.0.0.0 }')).toContain('http.host is open to hawks.');
    expect(await told('summary: { tracker: pigeon }')).toContain(
      'summary.tracker is "pigeon", but no pigeon flies: set PIGEON_SECRET, or another tracker.',
    );
    expect(await told('summary: { tracker: dove }')).toContain('`github-issues` or `pigeon`');
    expect(describeConfig(trackers)).toContainEqual({
      key: 'trackers.pigeon.loft',
      default: 'north',
      accepts: 'a loft',
      meaning: 'Where letters are dropped.',
    });
  });

  test('doctor checks it, and `connect` leads through it', async () => {
    const database = await createTestDatabase();
    const shipmate = async (env: Record<string, string>, ...args: string[]) => {
      let text = '';
      const out = { write: (more: string) => (text += more) } as unknown as NodeJS.WriteStream;
      const whole = { PATH: process.env.PATH, HOME: dir, DATABASE_URL: database.url, ...env };
      const code = await createProgram({ cwd: dir, env: whole, stdout: out, stderr: out }, trackers).run(args);
      return { code, text };
    };
    const on = { PIGEON_SECRET: secret };
    try {
      await writeFile(join(dir, 'shipmate.yaml'), 'http: { publicUrl: "https://s.example" }');
      expect((await shipmate(on, 'doctor')).text).toMatch(/^ok +tracker pigeon {2}all are in the loft$/m);
      expect((await shipmate({}, 'doctor')).text).not.toContain('pigeon');
      expect((await shipmate({}, 'connect', '--help')).text).toMatch(/pigeon .*How to breed pigeons/);
      const off = await shipmate({}, 'connect', 'pigeon');
      expect([off.code, off.text.match(/^(done|next) .*$/gm)]).toEqual([1, ['next  1. A pigeon', 'next  2. A loft']]);
      const done = await shipmate(on, 'connect', 'pigeon');
      expect(done).toMatchObject({ code: 0, text: expect.stringContaining('from https://s.example/webhooks/pigeon') });
      const checked = await shipmate(on, 'connect', 'pigeon', '--check', '--loft', 'north');
      expect(checked.text).toMatch(/north \(up there\)\nok +flight {2}it came back\nPigeon post works\./);
      expect(checked.code).toBe(0);
      const elsewhere = await shipmate(on, 'connect', 'pigeon', '--check', '--loft', 'west');
      expect(elsewhere).toEqual({ code: 1, text: 'No loft "west" is connected; there are: north.\n' });
    } finally {
      await database.drop();
    }
  });

  describe('the service', () => {
    const letters: BoardDelivery[] = [];
    let service: TestService;
    let people: BoardDesk;
    beforeAll(async () => {
      const done = '- calls: [{ tool: finish, input: { title: Done, summary: Done, answer: It was carried. } }]';
      service = await startTestService({
        trackers,
        env: { PIGEON_SECRET: secret },
        parts: ['listen', 'worker'],
        files: { 'one.txt': 'one\n' },
        script: `tickets:\n  By letter:\n    ${done}\n  Found:\n    ${done}\n`,
      });
      const { pool } = service.database;
      const accept = async (_: unknown, letter: BoardDelivery) => letters.push(letter);
      people = createBoardDesk({ pool, agent: 'pip', secret, accept });
    });
    afterAll(() => service?.stop());

    const carry = ({ headers, body }: BoardDelivery, forged = '') =>
      fetch(`${service.url}/webhooks/pigeon`, { method: 'POST', headers, body: Buffer.from(body.toString() + forged) });
    const answered = async (ticket: string) => {
      const { rows } = await service.database.pool.query(
        'select s.state, t.tracker from sessions s join tickets t on t.id = s.ticket_id where t.identifier = $1',
        [ticket],
      );
      const { activities } = await people.show(ticket);
      return [rows, activities.some(({ activity }) => JSON.stringify(activity).includes('It was carried.'))];
    };
    const complete = [[{ state: 'complete', tracker: 'pigeon' }], true];

    test('works on what a webhook tells, and on what it finds by asking', async () => {
      const { identifier } = await people.createTicket({ title: 'By letter', assignee: 'pip' }, someone);
      const [letter] = letters;
      if (!letter) throw new Error('nothing was sent');
      expect([(await carry(letter, ' ')).status, (await carry(letter)).status]).toEqual([401, 200]);
      await vi.waitFor(async () => expect(await answered(identifier)).toEqual(complete), 20_000);
      const found = await people.createTicket({ title: 'Found', assignee: 'pip' }, someone);
      await vi.waitFor(async () => expect(await answered(found.identifier)).toEqual(complete), 20_000);
    }, 60_000);

    test('looks up what a webhook only hints at', async () => {
      const { identifier } = await people.createTicket({ title: 'Nobody has it' }, someone);
      const { id } = await people.comment(identifier, 'Blue, please', someone);
      const body = letters.at(-1)?.body.toString().replace('Blue', 'Red') ?? '';
      expect((await carry(signDelivery(secret, JSON.parse(body)))).status).toBe(200);
      const taken = async () => {
        const { rows } = await service.database.pool.query(
          "select outcome, events -> 0 -> 'said' as said from deliveries where events is not null",
        );
        return rows;
      };
      const said = expect.objectContaining({ key: id, body: 'Blue, please' });
      await vi.waitFor(async () => expect(await taken()).toEqual([{ outcome: 'prompted', said }]), 20_000);
    });

    test('files there what people bring, ends installations, and gives no token to the agent', async () => {
      const filed = await service.app.ticketDesk(someone).makeTicket(aCapture(), new AbortController().signal);
      expect(JSON.stringify(filed)).toContain('"filed"');
      const { rows } = await service.database.pool.query('select tracker, state from captures');
      expect(rows).toEqual([{ tracker: 'pigeon', state: 'filed' }]);
      const back = async (code: string) => (await fetch(`${service.url}/oauth/pigeon/callback?code=${code}`)).text();
      expect([await back('coo'), await back('caw')]).toEqual([
        expect.stringContaining('a member of the north loft'),
        'It did not coo.\n',
      ]);
      const { tokens } = service.app.operations;
      await expect(tokens.create({ name: 'Pip', id: null, label: '' })).rejects.toThrow('is the agent itself');
    });
  });
});
