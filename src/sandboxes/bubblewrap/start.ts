import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type LaunchEnd, type Launched, launch } from '../../lib/launcher.ts';
import type { Command, StartedProcess } from '../command.ts';
import type { PipePool, Pipes } from '../pipes.ts';
import { crossing } from './bridge.ts';
import { killHard } from './kill.ts';
import { nodeInside } from './root.ts';

/** How the sandbox is entered: everything before the command, none of it secret (other users can list it). */
export interface Entrance {
  /** Absolute path of bwrap and its arguments, up to and without `--`. */
  bubblewrap: [string, ...string[]];
  /** A program inside that gives up privileges and executes what follows. */
  drop: string[];
  /** Files that a process id is written to before anything else happens (cgroups). */
  cgroupFiles: string[];
  seccomp: Uint8Array | null;
  /** Descriptors that are not to reach the inside. */
  inherited: number[];
  /** Named hosts are reached, by a bridge that is started before the command. */
  isBridged: boolean;
}

const statusFd = 3;
const controlFd = 4;
export const seccompFd = 5;

/** Outside: joins the cgroups, then becomes bubblewrap. So there is no moment at which a limit does not hold yet. */
const join = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 1; shift; done; shift; exec "$@"';

/**
 * Inside, as process 1: when it ends, the kernel has killed and reaped all that the command started before bubblewrap
 * sees the end. It only waits, and it keeps bubblewrap's user: were it the command's, the kernel would not let a dying
 * bubblewrap kill it, and a killed service would leave its commands running.
 */
const init = '"$@"; exit $?';

/**
 * Inside, without privileges. It talks over the control socket: says `ready`, waits for the environment (so that a
 * service killed meanwhile starts nothing, and no value is ever on a command line or seen by what still has privileges),
 * then says `started`, `nowhere` or `missing`. The command gets none of these descriptors.
 */
const enter = `
echo ready >&${controlFd}
__n='
'
IFS= read -r __line <&${controlFd} || exit 125
eval "$__line"
cd -- "$1" 2>/dev/null || { echo nowhere >&${controlFd}; exit 127; }
shift
unset OLDPWD
umask 022
command -v -- "$1" >/dev/null 2>&1 || { echo missing >&${controlFd}; exit 127; }
echo started >&${controlFd}
exec ${statusFd}>&- ${controlFd}>&- ${seccompFd}>&-
exec "$@"`;

const bridging = crossing(nodeInside, [statusFd, controlFd, seccompFd]);

/** Starts a command in new namespaces. Returns at once; look at `started`. */
export async function startInside(command: Command, entrance: Entrance, pipes: PipePool): Promise<StartedProcess> {
  const environment = exportLine(command.env);
  const ends = await pipes.take(command.stdin);
  const { stdin, stdout, stderr } = ends;
  const child = await launchWith(
    [
      '-c',
      join,
      'sh',
      ...entrance.cgroupFiles,
      '--',
      ...entrance.bubblewrap,
      '--chdir',
      '/',
      '--',
      ...['/bin/sh', '-c', init, 'sh'],
      ...entrance.drop,
      '/bin/sh',
      '-c',
      entrance.isBridged ? `${bridging}\n${enter}` : enter,
      'sh',
      command.cwd,
      ...command.argv,
    ],
    ends,
    entrance.inherited,
    String(command.argv[0]),
  );

  const [status, control, filter] = [statusFd, controlFd, seccompFd].map((fd) => child.pipes.get(fd));
  if (!status || !control || !filter) throw new Error('unreachable: it was started with these pipes');
  filter.end(entrance.seccomp ?? undefined);

  let ended = false;
  const initPid = new Promise<number | null>((resolve) => {
    let text = '';
    status.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const pid = /"child-pid"\s*:\s*(\d+)/.exec(text)?.[1];
      if (pid) resolve(Number(pid));
    });
    void child.exited.then(() => {
      ended = true;
      resolve(null);
    });
  });

  const complaint: Buffer[] = [];
  const hear = (chunk: Buffer) => complaint.push(chunk);
  stderr.on('data', hear);

  const heard = once(control, 'end');
  const exited = child.exited.then(async (code) => {
    await heard;
    return code;
  });

  const started = new Promise<void>((resolve, reject) => {
    let said = '';
    control.on('data', (chunk: Buffer) => {
      const before = said;
      said += chunk.toString('latin1');
      if (!before.includes('ready') && said.includes('ready')) {
        stderr.off('data', hear);
        // What follows is the command's, and waits for whoever reads it.
        if (stderr.listenerCount('data') === 0) stderr.pause();
        control.end(environment);
      }
      if (said.includes('started')) resolve();
      else if (said.includes('nowhere'))
        reject(new Error(`There is no directory ${command.cwd} in the sandbox, or it may not be entered.`));
      else if (said.includes('missing'))
        reject(new Error(`There is no program "${command.argv[0]}" in the sandbox; PATH is ${command.env.PATH}.`));
    });
    void exited.then(async (code) => {
      // What it complained of may come after the news of its end.
      if (!said.includes('ready') && !stderr.closed)
        await Promise.race([once(stderr, 'close'), delay(1000, undefined, { ref: false })]);
      const text = Buffer.concat(complaint).toString('utf8').trim().slice(0, 2000);
      reject(new Error(`The sandbox did not start (exit code ${code}): ${text || 'it said nothing'}`));
    });
  });
  started.catch(() => {}); // whoever needs to know awaits it

  return {
    stdin,
    stdout,
    stderr,
    started,
    exited,
    // Process 1 inside, not bubblewrap: bubblewrap then ends after the last of the tree.
    async kill() {
      const pid = await initPid;
      if (pid !== null && !ended) killHard(pid);
      await exited;
    },
  };
}

async function launchWith(args: string[], pipes: Pipes, inherited: number[], name: string): Promise<Launched> {
  const stdio: LaunchEnd[] = [...pipes.theirs, 'pipe', 'pipe', 'pipe'];
  const last = Math.max(...inherited, stdio.length - 1);
  for (let fd = stdio.length; fd <= last; fd++)
    stdio.push(inherited.includes(fd) ? { path: '/dev/null', write: false } : 'ignore');
  try {
    // A session of its own: Ctrl-C in the service's terminal is the service's business.
    return await launch({ command: '/bin/sh', args, env: {}, cwd: '/', detached: true, stdio });
  } catch (error) {
    for (const end of [pipes.stdin, pipes.stdout, pipes.stderr]) end?.destroy();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name} could not be started: ${reason}`, { cause: error });
  } finally {
    pipes.closeTheirs();
  }
}

/** One line of shell that puts the environment in place; `$__n` is a newline. */
function exportLine(env: Record<string, string>): string {
  const assignments = Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new Error(`"${name}" cannot be the name of an environment variable in the sandbox.`);
    if (value.includes('\0')) throw new Error(`The environment variable ${name} contains a NUL character.`);
    return `${name}='${value.replaceAll("'", `'\\''`).replaceAll('\n', `'"$__n"'`)}'`;
  });
  return `${assignments.length > 0 ? `export ${assignments.join(' ')}; ` : ''}unset __n __line\n`;
}
