import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Capture, CaptureResult } from '../../../mcp-servers/tickets/capture.ts';
import { deliver, keepDelivering } from '../../../mcp-servers/tickets/deliver.ts';
import { type TicketDesk, Unreachable } from '../../../mcp-servers/tickets/desk.ts';
import { tryLock } from '../../../mcp-servers/tickets/lock.ts';
import { readSettings, writeSettings } from '../../../mcp-servers/tickets/settings.ts';
import { createSpool, keepWith, type Spool } from '../../../mcp-servers/tickets/spool.ts';
import { captured } from './asked.ts';

const signal = new AbortController().signal;

let dir: string;
let spool: Spool;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'shipmate-spool-'));
  spool = createSpool({ dir: join(dir, 'spool') });
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const filed = (identifier: string) => ({
  status: 'filed' as const,
  tickets: [{ identifier, title: 'Dates differ', url: `https://t/${identifier}`, isAssigned: false }],
  duplicates: [],
  notes: [],
});
const similar: CaptureResult = {
  status: 'duplicates',
  duplicates: [
    { identifier: 'ENG-3', title: 'Dates', url: 'https://t/ENG-3', state: 'Todo', why: 'error', isLikely: true },
  ],
  drafts: [],
  notes: [],
};

/** A desk that does what it is told to with a capture, and remembers what it was sent. */
function deskThat(answer: (capture: Capture, sent: Capture[]) => CaptureResult | Promise<CaptureResult>) {
  const sent: Capture[] = [];
  const desk = {
    async makeTicket(capture: Capture) {
      sent.push(capture);
      return answer(capture, sent);
    },
  } as Partial<TicketDesk> as TicketDesk;
  return { desk, sent };
}

const away = () => {
  throw new Unreachable('The service cannot be reached.');
};
const states = async () => (await spool.list()).kept.map(({ capture, state, why }) => [capture.title, state, why]);

test('it is on the disk, for nobody else to read, before anything is sent, and gone when the service has it', async () => {
  let before: string[] = [];
  const { desk } = deskThat(() => {
    before = readdirSync(spool.dir).filter((name) => name.endsWith('.json'));
    return filed('ENG-1');
  });
  const capture = captured();
  expect(await keepWith(desk, spool).makeTicket(capture, signal)).toEqual(filed('ENG-1'));
  expect(before).toEqual([`${capture.id}.json`]);
  expect((await spool.list()).kept).toEqual([]);

  await keepWith(deskThat(away).desk, spool).makeTicket(captured({ title: 'Other' }), signal);
  const [kept] = readdirSync(spool.dir).filter((name) => name.endsWith('.json'));
  expect(statSync(spool.dir).mode & 0o777).toBe(0o700);
  expect(statSync(join(spool.dir, kept ?? '')).mode & 0o777).toBe(0o600);
});

test('out of reach it is kept, and filed when the service is back, the oldest first; each is news once', async () => {
  const lost = keepWith(deskThat(away).desk, spool);
  for (const title of ['one', 'two']) {
    const kept = await lost.makeTicket(captured({ title }), signal);
    expect(kept).toMatchObject({ status: 'kept', notes: [expect.stringContaining('filed by itself')] });
  }
  expect(await deliver({ desk: deskThat(away).desk, spool, to: null }, signal)).toBe(2);
  expect(await states()).toEqual([
    ['one', 'waiting', 'The service cannot be reached.'],
    ['two', 'waiting', 'The service cannot be reached.'],
  ]);
  const { desk, sent } = deskThat((_, all) => filed(`ENG-${all.length}`));
  expect(await deliver({ desk, spool, to: null }, signal)).toBe(0);
  expect(sent.map(({ title }) => title)).toEqual(['one', 'two']);
  expect(await spool.takeNews()).toEqual([
    'Filed meanwhile: "one": ENG-1 https://t/ENG-1',
    'Filed meanwhile: "two": ENG-2 https://t/ENG-2',
  ]);
  expect(await spool.takeNews()).toEqual([]);
});

test('a refusal says that nothing is lost and how to send it again; it waits until somebody has done something', async () => {
  const revoked = () => {
    throw new Error('This token was revoked. Log in anew: shipmate login https://s');
  };
  const capture = captured();
  await expect(keepWith(deskThat(revoked).desk, spool).makeTicket(capture, signal)).rejects.toThrow(
    `revoked. Log in anew: shipmate login https://s\nNothing is lost: it is kept in ${spool.dir}. To send it again: shipmate ticket --again ${capture.id}`,
  );
  const { desk, sent } = deskThat(() => filed('ENG-1'));
  expect(await deliver({ desk, spool, to: null }, signal)).toBe(0);
  expect(sent).toEqual([]);
  await deliver({ desk, spool, to: null, anew: true }, signal);
  expect(sent.map(({ id }) => id)).toEqual([capture.id]);

  await keepWith(deskThat(away).desk, spool).makeTicket(captured({ title: 'Later' }), signal);
  await deliver({ desk: deskThat(revoked).desk, spool, to: null }, signal);
  expect(await states()).toEqual([['Later', 'refused', expect.stringContaining('revoked')]]);
  expect((await spool.takeNews()).join()).toContain('"Later" was not filed: This token was revoked.');
});

test('where there are duplicates it stays until people have chosen; the answer goes on with the same id', async () => {
  const { desk, sent } = deskThat(({ addTo, anyway }) => (addTo || anyway ? filed('ENG-9') : similar));
  const kept = keepWith(desk, spool);
  await kept.makeTicket(captured(), signal);
  expect(await states()).toEqual([['Dates differ', 'asked', null]]);
  expect(await deliver({ desk, spool, to: null, anew: true }, signal)).toBe(0);
  await kept.makeTicket(captured({ anyway: true }), signal);
  expect(sent).toHaveLength(2);
  expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
  expect(await states()).toEqual([]);

  // Two that are called the same.
  const [first, second] = [captured({ notes: 'here' }), captured({ notes: 'there' })];
  for (const each of [first, second]) await kept.makeTicket(each, signal);
  await kept.makeTicket({ ...first, anyway: true }, signal);
  expect(sent.at(-1)).toMatchObject({ id: first.id, notes: 'here' });
  expect((await spool.list()).kept.map(({ capture }) => capture.notes)).toEqual(['there']);
});

test('where nobody can choose, what has the error of a ticket is added to it', async () => {
  await keepWith(deskThat(away).desk, spool).makeTicket(captured(), signal);
  const { desk, sent } = deskThat(({ addTo }) => (addTo ? { ...filed(addTo), status: 'added' as const } : similar));
  await deliver({ desk, spool, to: null }, signal);
  expect(sent.map(({ addTo }) => addTo)).toEqual([null, 'ENG-3']);
  expect(await spool.takeNews()).toEqual(['Added meanwhile: "Dates differ": ENG-3 https://t/ENG-3']);
});

test('said twice within a second, also at once, it has one id', async () => {
  const { desk, sent } = deskThat(() => filed('ENG-1'));
  const kept = keepWith(desk, spool);
  await Promise.all(
    [captured(), captured(), captured({ notes: 'other' })].map((each) => kept.makeTicket(each, signal)),
  );
  await kept.makeTicket(captured(), signal);
  expect(sent).toHaveLength(4);
  expect(new Set(sent.map(({ id }) => id)).size).toBe(2);
});

test('a dry run is neither kept nor sent later', async () => {
  await expect(keepWith(deskThat(away).desk, spool).makeTicket(captured({ dryRun: true }), signal)).rejects.toThrow(
    Unreachable,
  );
  expect((await spool.list()).kept).toEqual([]);
});

test('where nothing can be kept it is sent all the same, and said', async () => {
  writeFileSync(spool.dir, 'in the way');
  const { desk } = deskThat(() => filed('ENG-1'));
  const result = await keepWith(desk, spool).makeTicket(captured(), signal);
  expect(result).toMatchObject({ status: 'filed', notes: [expect.stringContaining('could not be kept')] });
  await expect(keepWith(deskThat(away).desk, spool).makeTicket(captured(), signal)).rejects.toThrow(
    /cannot be reached\.\nIt could not be kept on this machine .*\. So send it again yourself\./,
  );
});

test('what the service could only keep is asked for until there is a ticket, or why there is none', async () => {
  const later = { status: 'kept' as const, drafts: [], notes: ['The tracker is away. It is kept.'] };
  for (const title of ['one', 'two'])
    expect(await keepWith(deskThat(() => later).desk, spool).makeTicket(captured({ title }), signal)).toEqual(later);
  expect(await deliver({ desk: deskThat(() => later).desk, spool, to: null }, signal)).toBe(2);
  expect([await states(), await spool.takeNews()]).toEqual([
    ['one', 'two'].map((title) => [title, 'waiting', 'The tracker is away. It is kept.']),
    [],
  ]);
  const { desk } = deskThat(({ title }) => {
    if (title === 'two') throw new Error('The tracker refused it.');
    return filed('ENG-1');
  });
  expect(await deliver({ desk, spool, to: null }, signal)).toBe(0);
  expect(await spool.takeNews()).toEqual([
    'Filed meanwhile: "one": ENG-1 https://t/ENG-1',
    expect.stringContaining('"two" was not filed: The tracker refused it. It is kept'),
  ]);
});

test('what is dropped while it is sent stays dropped', async () => {
  for (const fails of [new Unreachable('It hangs.'), new Error('It is refused.')]) {
    await keepWith(deskThat(away).desk, spool).makeTicket(captured({ title: fails.message }), signal);
    const { desk } = deskThat(async ({ id }) => {
      await spool.drop(id);
      throw fails;
    });
    await deliver({ desk, spool, to: null }, signal);
    expect([await states(), await spool.takeNews()]).toEqual([[], []]);
  }
});

test('what was kept for one desk is not sent to another; a broken file stops nothing', async () => {
  await keepWith(deskThat(away).desk, spool, 'here').makeTicket(captured({ title: 'for here' }), signal);
  await keepWith(deskThat(away).desk, spool).makeTicket(captured({ title: 'for any' }), signal);
  writeFileSync(join(spool.dir, 'torn.json'), '{"capture":');
  const { desk, sent } = deskThat(() => filed('ENG-1'));
  expect(await deliver({ desk, spool, to: 'there' }, signal)).toBe(0);
  expect(sent.map(({ title }) => title)).toEqual(['for any']);
  expect((await spool.list()).broken).toEqual([join(spool.dir, 'torn.json')]);
});

test('interrupted while it is sent, it waits; what a killed process had in hand is sent by the next', async () => {
  const interrupted = new AbortController();
  const { desk } = deskThat(async () => {
    interrupted.abort(new Error('interrupted'));
    throw interrupted.signal.reason;
  });
  await expect(keepWith(desk, spool).makeTicket(captured(), interrupted.signal)).rejects.toThrow('interrupted');
  expect(await states()).toEqual([['Dates differ', 'waiting', null]]);

  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  const [kept] = (await spool.list()).kept;
  if (!kept) throw new Error('nothing was kept');
  const open = deskThat(() => filed('ENG-1'));
  await spool.keep({ ...kept, state: 'sending', pid: process.pid });
  await deliver({ desk: open.desk, spool, to: null }, signal);
  expect(open.sent).toEqual([]);
  await spool.keep({ ...kept, state: 'sending', pid: gone.pid ?? 0 });
  await deliver({ desk: open.desk, spool, to: null }, signal);
  expect(open.sent).toHaveLength(1);
});

test('one process delivers at a time; a lock whose holder was killed is taken', async () => {
  await keepWith(deskThat(away).desk, spool).makeTicket(captured(), signal);
  const lock = join(spool.dir, '.sending.lock');
  const holder = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `import { tryLock } from ${JSON.stringify(join(import.meta.dirname, '../../../mcp-servers/tickets/lock.ts'))};
     await tryLock(${JSON.stringify(lock)}, 60_000); console.log('held'); setInterval(() => {}, 1_000);`,
  ]);
  await once(holder.stdout, 'data');
  const { desk, sent } = deskThat(() => filed('ENG-1'));
  expect(await deliver({ desk, spool, to: null }, signal)).toBe(1);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(await deliver({ desk, spool, to: null }, signal)).toBe(0);
  expect(sent).toHaveLength(1);
  expect(await tryLock(lock, 60_000)).not.toBeNull();
});

test('it keeps on delivering until nothing waits, alone', async () => {
  await keepWith(deskThat(away).desk, spool).makeTicket(captured(), signal);
  const { desk, sent } = deskThat((_, all) => (all.length < 3 ? away() : filed('ENG-1')));
  const options = { desk, spool, to: null, everyMs: 5, longestMs: 20, forMs: 60_000, alone: true };
  await Promise.all([keepDelivering(options, signal), keepDelivering(options, signal)]);
  expect(sent).toHaveLength(3);
  expect(await spool.takeNews()).toHaveLength(1);
});

test('settings: from the environment first, else from a file that is nobody else’s; a broken one says which it is', async () => {
  const env = { HOME: dir };
  expect(await readSettings(env)).toBeNull();
  const path = await writeSettings(env, { url: 'https://s.example/', token: 'shp_1' });
  expect([statSync(path).mode & 0o777, statSync(join(path, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(await readSettings(env)).toEqual({ url: 'https://s.example', token: 'shp_1' });
  const other = { ...env, SHIPMATE_URL: 'http://localhost:1', SHIPMATE_TOKEN: 'shp_2' };
  expect(await readSettings(other)).toEqual({ url: 'http://localhost:1', token: 'shp_2' });
  const same = await readSettings({ SHIPMATE_URL: 'https://s.example/at/mcp/', SHIPMATE_TOKEN: 'shp_2' });
  expect(same?.url, 'however it is written: what is kept for a service is kept under it').toBe('https://s.example/at');
  await expect(readSettings({ ...env, SHIPMATE_TOKEN: 'shp_2' })).rejects.toThrow('SHIPMATE_URL is not set');
  // One name for one service; and what no header takes is refused here, where it is not repeated.
  const written = { ...other, SHIPMATE_URL: 'https://S.example:443/base/mcp/?q' };
  expect((await readSettings(written))?.url).toBe('https://s.example/base');
  for (const token of ['shp_1\nshp_2', 'shp_“1”', 'shp_1 shp_2', ' ']) {
    const error = await readSettings({ ...other, SHIPMATE_TOKEN: token }).catch(({ message }: Error) => message);
    expect(error).toMatch(/^SHIPMATE_TOKEN is no token: one is a single line such as shp_\.\.\., /);
    expect(error).not.toContain('shp_1');
  }
  await expect(readSettings({ ...other, SHIPMATE_URL: 'nowhere' })).rejects.toThrow('SHIPMATE_URL: "nowhere" is no');
  chmodSync(path, 0o600);
  for (const text of ['{"url":', '{"url":"nowhere","token":"shp_1"}', '[]']) {
    writeFileSync(path, text);
    await expect(readSettings(env)).rejects.toThrow(`${path} is broken`);
  }
  await writeSettings(env, null);
  expect(await readSettings(env)).toBeNull();
});
