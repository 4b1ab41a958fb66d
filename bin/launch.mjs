// Plain JavaScript for Node.js 18 and newer.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findNode, root } from './ready.mjs';

const mark = 'SHIPMATE_RELAUNCHED';

/** Whether this process was started by `launch` in an older Node.js, which has checked everything already. */
export const isRelaunched = process.env[mark] === '1';

/** The file of `entry` (`src/main`, say): TypeScript in a clone, JavaScript in the published package. */
export function entryFile(entry) {
  const source = join(root, `${entry}.ts`);
  return existsSync(source) ? source : join(root, `${entry}.js`);
}

/**
 * Runs `entry`. `here`: the running Node.js can, and does. Otherwise `self`, the file that was started, is started again by
 * one that can; each of the two processes then ends with the other, even after a kill -9.
 */
export async function launch({ entry, self, here }) {
  if (!here && !isRelaunched) return relaunch(findNode(), self);
  if (isRelaunched) endWithParent();
  // Saves a third of the start-up from the second time on. Not in the shared /tmp, where others could plant code.
  module.enableCompileCache?.(join(root, 'node_modules', '.cache', 'compile'));
  process.argv[1] = entryFile(entry);
  await import(pathToFileURL(process.argv[1]).href);
}

function relaunch(node, self) {
  const child = spawn(node, [self, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [mark]: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches both of us, and a second one may mean "at once".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.once('error', (error) => {
    process.stderr.write(`shipmate: ${node} could not be started: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** The channel to the older Node.js closes when that one is gone; nobody is left then to pass a signal on. */
function endWithParent() {
  delete process.env[mark];
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel?.unref();
}
