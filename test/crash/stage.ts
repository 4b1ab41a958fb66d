import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { interruptedText } from '../../src/core/interruption.ts';
import { createDatabase } from '../../src/store/database.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import { type ModelServer, type RecordedRequest, startModelServer } from '../stand-ins/model-server/server.ts';
import type { WorldClient } from '../stand-ins/world/client.ts';
import type { TicketCounts } from '../stand-ins/world/ledger.ts';
import type { ServiceOptions } from '../stand-ins/world/service.ts';
import { type Started, spawnService, spawnWorld } from '../stand-ins/world/start.ts';

const run = promisify(execFile);

/** Passes through every kind of step and effect. What a call prints tells whether it was made again. */
const replies = `
  - { text: First the plan., calls: [{ tool: update_plan, input: { steps: [{ content: Write, status: inProgress }] } }] }
  - calls:
      - { tool: read, input: { path: README.md } }
      - { tool: bash, input: { command: "od -An -N8 -tx1 /dev/urandom; echo one >> lines.txt" } }
  - calls:
      - { tool: write, input: { path: a.txt, content: "a" } }
      - { tool: bash, input: { command: "od -An -N8 -tx1 /dev/urandom; echo two >> lines.txt; cat lines.txt" } }
  - { calls: [{ tool: bash, input: { command: "echo three >> lines.txt; cat lines.txt" } }] }
  - { calls: [{ tool: finish, input: { title: Three lines, summary: Three lines. } }] }
`;
const script = `
replies:${replies}`;
/** The same for the parts of a ticket, which is split before any work on it. */
const splitScript = `
tickets:
  "To be split.":
    - calls:
        - tool: scope
          input: { confidence: yellow, size: L, files: [a.txt], plan: [Split it], parts: [One, Two] }
replies:
  - { calls: [{ tool: scope, input: { confidence: green, size: S, files: [a.txt], plan: [Write] } }] }${replies}`;
const partsOfEach = 2;
const turns = 5;
const expected: Record<string, string> = { 'lines.txt': 'one\ntwo\nthree\n', 'a.txt': 'a' };

export interface Stage {
  world: WorldClient;
  pool: pg.Pool;
  dir: string;
  /** What the model was asked about a ticket: the messages of each request, in order. */
  asked(ticket: string): Message[][];
  /** Another process of the service. `machine` names its data directory; without one it is the first machine's. */
  start(options?: Partial<ServiceOptions> & { machine?: string }): Promise<Started>;
  /** Files a ticket for the agent; answers what it is called. */
  ticket(): Promise<string>;
  /** Whether everything that a ticket leads to is outside, and its session rests. */
  isDone(ticket: string): Promise<boolean>;
  done(ticket: string): Promise<void>;
  /** Call when a process has died or frozen: a step that was open then may be done again. `pid`: only what that process had. */
  noteOpenSteps(pid?: number): Promise<void>;
  /** Everything that is wrong with what the outside has seen of these tickets. */
  verdict(): Promise<Verdict>;
  close(): Promise<void>;
}

/** As the wire has it. */
export interface Message {
  role: string;
  content: { type: string; text?: string; content?: unknown }[];
}

export interface Verdict {
  lost: string[];
  duplicate: string[];
  /** Model calls, tool calls and trees that are not as they should be. */
  wrong: string[];
}

export async function openStage(options: {
  databaseUrl: string;
  /** Machines take over from each other: what a call did may be undone after it had completed. */
  moves?: boolean;
  /** Each ticket is split, and its parts are the work. */
  splits?: boolean;
  script?: string;
}): Promise<Stage> {
  const { databaseUrl, moves = false, splits = false } = options;
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-crash-'));
  await run('chmod', ['755', dir]);
  const { started: worldProcess, world } = await spawnWorld({ dir });
  const repository = await world.repository('app', {
    'README.md': 'An app.\n',
    '.shipmate.yml': 'verify: [test -s README.md]\n', // what is not proved is not moved to review
  });
  const model: ModelServer = await startModelServer({ script: options.script ?? (splits ? splitScript : script) });
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 3 });
  pool.on('error', () => {});
  const processes = new Set<Started>();
  /** By ticket and turn: for whose sake its model call may be made once more each. */
  const mayAgain = new Map<string, Set<unknown>>();
  const tickets: string[] = [];
  const approved = new Set<string>();
  let telling: Promise<unknown> = Promise.resolve();

  const partsOf = async (ticket: string) =>
    (await world.show(ticket)).relations.flatMap(({ type, ticket: part }) =>
      type === 'child' ? [part.identifier] : [],
    );

  /** Whether its parts have all come to their end, after somebody has approved them. */
  async function isSplit(ticket: string): Promise<boolean> {
    if (!approved.has(ticket)) {
      const said = JSON.stringify((await world.show(ticket)).activities);
      const code = /\*\*Split ([0-9a-f]+)\*\*/.exec(said)?.[1];
      if (code === undefined) return false;
      approved.add(ticket);
      await world.comment(ticket, `approve ${code}`);
    }
    const parts = await partsOf(ticket);
    for (const part of parts) if (!(await isWorkedOn(part))) return false;
    return parts.length >= partsOfEach && (await rests(ticket));
  }

  async function isWorkedOn(ticket: string): Promise<boolean> {
    const failed = await retried(() =>
      pool.query(
        `select (select outcome::text from runs where session_id = s.id order by number desc limit 1) as how
         from sessions s join tickets t on t.id = s.ticket_id where t.identifier = $1 and s.state = 'error'`,
        [ticket],
      ),
    );
    if (failed.rows.length > 0) throw new Error(`${ticket} was given up: ${failed.rows[0].how}`);
    const counts = (await world.counts())[ticket];
    if (!counts || counts.closing === 0 || !counts.stateChanges.includes('In Review')) return false;
    return rests(ticket);
  }

  async function rests(ticket: string): Promise<boolean> {
    const { rows } = await retried(() =>
      pool.query(
        `select count(*)::int + (select count(*) from deliveries where sorted_at is null)::int as open
         from sessions s join tickets t on t.id = s.ticket_id
         where t.identifier = $1 and (s.state in ('pending', 'active')
           or exists (select 1 from effects e where e.session_id = s.id and e.state = 'pending'))`,
        [ticket],
      ),
    );
    return rows[0].open === 0;
  }

  const stage: Stage = {
    world,
    pool,
    dir,
    asked: (ticket) => requestsOf(ticket, model.requests).map(({ body }) => JSON.parse(body).messages),
    async start({ machine = 'machine', ...rest } = {}) {
      const service = await spawnService({
        worldUrl: world.url,
        databaseUrl,
        dataDir: join(dir, machine),
        model: 'anthropic:claude-sonnet-5-5',
        repositories: [repository],
        parts: ['web', 'worker'],
        slots: 2,
        logLevel: 'warn',
        rates: splits,
        ...rest,
        env: { ANTHROPIC_API_KEY: 'crash', ANTHROPIC_BASE_URL: `${model.url}/v1`, ...rest.env },
      });
      processes.add(service);
      service.ended.then(() => processes.delete(service));
      // One after the other: of several that start at once, the last word must know of all.
      telling = telling.then(() =>
        world.webhooks([...processes].flatMap(({ url }) => (url === null ? [] : [`${url}/webhooks/board`]))),
      );
      await telling;
      return service;
    },
    async ticket() {
      const title = `Ticket ${tickets.length + 1}`;
      const description = splits ? 'To be split.' : '';
      const { ticket } = await world.create({ title, description, assignee: 'shipmate' });
      tickets.push(ticket.identifier);
      return ticket.identifier;
    },
    isDone: (ticket) => (splits ? isSplit(ticket) : isWorkedOn(ticket)),
    async done(ticket) {
      while (!(await stage.isDone(ticket))) await delay(50); // the outside is the only one to ask
    },
    async noteOpenSteps(pid) {
      const { rows } = await retried(() =>
        pool.query(
          `select t.identifier as ticket, count(p.id)::int as turn from steps st
           join sessions s on s.id = st.session_id join tickets t on t.id = s.ticket_id
           join runs r on r.id = st.run_id
           left join steps p on p.session_id = st.session_id and p.kind = 'model' and p.completed_at is not null
           where st.kind = 'model' and st.completed_at is null and ($1::text is null or r.worker like '%:' || $1 || ':%')
           group by t.identifier, st.id`,
          [pid === undefined ? null : String(pid)],
        ),
      );
      for (const { ticket, turn } of rows) {
        const key = `${ticket} ${turn}`;
        mayAgain.set(key, (mayAgain.get(key) ?? new Set()).add(pid ?? Symbol()));
      }
    },
    async verdict() {
      const counts = await world.counts();
      const verdict: Verdict = { lost: [], duplicate: [], wrong: [] };
      const worked: string[] = [];
      const writes = splits ? await world.writes() : [];
      for (const whole of tickets) {
        const parts = splits ? await partsOf(whole) : [whole];
        worked.push(...parts);
        if (!splits) continue;
        const taken = writes.filter(({ call, ticket }) => call === 'takeTicket' && parts.includes(ticket ?? ''));
        exactly(verdict, `${whole}: parts`, parts.length, partsOfEach);
        exactly(verdict, `${whole}: parts taken`, taken.length, partsOfEach);
      }
      for (const ticket of worked) judge(ticket, counts[ticket], undoneTurns(stage.asked(ticket)), verdict);
      for (const ticket of worked) {
        judgeCalls(ticket, model.requests, mayAgain, moves, verdict);
        await judgeTree(ticket, counts[ticket], repository.location, verdict);
      }
      const { violations } = await checkInvariants(createDatabase(pool), { live: false, days: null });
      // What came while the last process was leaving waits for the next one.
      for (const { check, ticket, id, explanation } of violations)
        if (check !== 'delivery is sorted') verdict.wrong.push(`${check}: ${ticket ?? id}: ${explanation}`);
      return verdict;
    },
    async close() {
      for (const each of processes) each.kill();
      await Promise.all([...processes].map((each) => each.ended));
      worldProcess.kill();
      await worldProcess.ended;
      await model.close();
      await pool.end();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return stage;
}

/** A database that is being restarted is asked again. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!/ECONN|terminat|starting up|shutting down|ENOENT|recovery/i.test(String(error))) throw error;
      await delay(100);
    }
  }
}

/** What one ticket leads to, exactly. Fleeting activities may be left out, and none may come twice. */
function judge(ticket: string, counts: TicketCounts | undefined, undone: number, verdict: Verdict): void {
  const { lost, duplicate } = verdict;
  if (!counts) return void lost.push(`${ticket}: everything`);
  const exact = (what: string, seen: number, wanted: number) => exactly(verdict, `${ticket}: ${what}`, seen, wanted);
  exact('closing activity', counts.closing, 1);
  exact('branch', counts.branches.length, 1);
  exact('push', counts.pushes, 1);
  exact('pull request', counts.pullRequests, 1);
  exact('attachment', counts.attachments, 1);
  exact('link', counts.links, 1);
  exact('move to In Progress', counts.stateChanges.filter((state) => state === 'In Progress').length, 1);
  exact('move to In Review', counts.stateChanges.filter((state) => state === 'In Review').length, 1);
  exact('last plan', Math.min(counts.plans, 1), 1);
  // A turn that was undone is played again by the model, so its actions are told again: once each, for each such turn.
  const again = new Map<string, number>();
  for (const text of counts.duplicates) {
    again.set(text, (again.get(text) ?? 0) + 1);
    const isPlayedAgain = text.startsWith('{"type":"action"') && (again.get(text) ?? 0) <= undone;
    if (!isPlayedAgain) duplicate.push(`${ticket}: ${text}`);
  }
}

function exactly({ lost, duplicate }: Verdict, what: string, seen: number, wanted: number): void {
  if (seen < wanted) lost.push(`${what} (${seen} of ${wanted})`);
  if (seen > wanted) duplicate.push(`${what} (${seen}, not ${wanted})`);
}

function undoneTurns(asked: Message[][]): number {
  return (asked.at(-1) ?? []).filter((message) => JSON.stringify(message).includes(interruptedText)).length;
}

function requestsOf(ticket: string, requests: RecordedRequest[]): RecordedRequest[] {
  return requests.filter(({ body }) => new RegExp(`Your ticket is ${ticket}\\b`).test(body));
}

/** No completed model call is made again, and what a completed tool call answered never changes. */
function judgeCalls(
  ticket: string,
  requests: RecordedRequest[],
  mayAgain: ReadonlyMap<string, ReadonlySet<unknown>>,
  moves: boolean,
  { wrong }: Verdict,
): void {
  const mine = requestsOf(ticket, requests);
  const times = new Map<number, number>();
  let latest: { turn: number; messages: unknown[] } = { turn: -1, messages: [] };
  for (const { body } of mine) {
    const { messages } = JSON.parse(body) as { messages: { role: string }[] };
    const turn = messages.filter(({ role }) => role === 'assistant').length;
    times.set(turn, (times.get(turn) ?? 0) + 1);
    // A process that froze as it asked has the request leave when it wakes; what comes back is not taken.
    if (turn < latest.turn && mayAgain.has(`${ticket} ${turn}`)) continue;
    if (turn < latest.turn) wrong.push(`${ticket}: turn ${turn} was asked for again after turn ${latest.turn}`);
    const before = JSON.stringify(withoutMarks(latest.messages.slice(0, -1)));
    const now = JSON.stringify(withoutMarks(messages.slice(0, Math.max(0, latest.messages.length - 1))));
    if (!moves && before !== now)
      wrong.push(`${ticket}: what turn ${latest.turn} was told had changed in turn ${turn}`);
    latest = { turn, messages };
  }
  if (mine.length < turns) wrong.push(`${ticket}: ${mine.length} model calls, fewer than ${turns}`);
  for (const [turn, asked] of times) {
    const allowed = 1 + (mayAgain.get(`${ticket} ${turn}`)?.size ?? 0);
    if (asked > allowed) wrong.push(`${ticket}: turn ${turn} was asked for ${asked} times, not ${allowed}`);
  }
}

/** Where the prompt cache is to begin moves on from request to request. */
function withoutMarks(messages: unknown[]): unknown {
  return JSON.parse(JSON.stringify(messages), (key, value) => (key === 'cache_control' ? undefined : value));
}

async function judgeTree(
  ticket: string,
  counts: TicketCounts | undefined,
  repository: string,
  { wrong }: Verdict,
): Promise<void> {
  const branch = counts?.branches[0];
  if (branch === undefined) return;
  for (const [path, content] of Object.entries(expected)) {
    const shown = await run('git', [`--git-dir=${repository}`, 'show', `${branch}:${path}`]).catch(() => ({
      stdout: 'nothing',
    }));
    if (shown.stdout !== content) wrong.push(`${ticket}: ${path} is ${JSON.stringify(shown.stdout)}`);
  }
}

/** Resolves when a process has frozen itself. */
export async function frozen(service: Started): Promise<void> {
  while (!(await isFrozen(service))) {
    if (hasEnded(service)) throw new Error(`it ended before it froze:\n${service.log()}`);
    await delay(10);
  }
}

export async function isFrozen({ pid }: Started): Promise<boolean> {
  return /\) [Tt] /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
}

export function hasEnded({ process: { exitCode, signalCode } }: Started): boolean {
  return exitCode !== null || signalCode !== null;
}
