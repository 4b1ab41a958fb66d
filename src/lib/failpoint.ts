import { writeSync } from 'node:fs';

/** Names a moment in the code. Unarmed it does nothing. */
export type Failpoint = (name: string) => void;

/** `kill`: SIGKILL to this process; `stop`: SIGSTOP, until somebody sends SIGCONT; `throw`: an error. */
const actions = ['kill', 'stop', 'throw'] as const;
type Action = (typeof actions)[number];

interface Armed {
  action: Action;
  /** Which passing of the moment it is, from 1. */
  at: number;
}

/**
 * Arms moments for tests: `name:action`, or `name:action@3` for its third passing; several are separated by commas. Each
 * fires once. Throws on what it cannot read: a test that arms nothing proves nothing.
 */
export function armFailpoints(spec: string | null): Failpoint {
  const armed = new Map(spec?.split(',').map(readPoint));
  if (armed.size === 0) return () => {};
  const passed = new Map<string, number>();
  return (name) => {
    const point = armed.get(name);
    if (!point) return;
    const times = (passed.get(name) ?? 0) + 1;
    passed.set(name, times);
    if (times === point.at) fire(name, point.action);
  };
}

function readPoint(written: string): [string, Armed] {
  const [, name, action, at] = /^([^\s:;@]+):(\w+)(?:@(\d+))?$/.exec(written.trim()) ?? [];
  const known = actions.find((each) => each === action);
  if (name === undefined || !known)
    throw new Error(
      `"${written}" is not a failpoint. Write name:action or name:action@3; actions: ${actions.join(', ')}.`,
    );
  return [name, { action: known, at: at === undefined ? 1 : Number(at) }];
}

function fire(name: string, action: Action): void {
  // Said the moment before, and at once: whoever watches a frozen process must know where it stands.
  if (action === 'stop') writeSync(2, `failpoint ${name}\n`);
  if (action === 'throw') throw new Error(`failpoint ${name}`);
  process.kill(process.pid, action === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  // A signal to oneself may arrive a moment after the call; nothing of ours may run in between.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
}
