import { chmodSync, chownSync, closeSync, constants, copyFileSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openForwardProxy, proxyEnvironment } from '../forward-proxy.ts';

/** The way out of one sandbox to named hosts. */
export interface Bridge {
  /** Holds its socket and its program; inside it is at `bridgeDir`. */
  dir: string;
  env: Record<string, string>;
  close(): Promise<void>;
}

export const bridgeDir = '/opt/shipmate-bridge';
/** Of the sandbox's own loopback, which is a new one for each command. */
const port = 3128;

/**
 * Shell, run inside and without privileges before a command: it goes on once the port is listened on. The bridge keeps none
 * of the descriptors `own`, and ends with the command's namespaces.
 */
export function crossing(node: string, own: readonly number[]): string {
  const closed = own.map((fd) => `${fd}>&-`).join(' ');
  const program = `${node} ${bridgeDir}/bridge.mjs ${port} ${bridgeDir}/socket`;
  return `[ "$(${program} </dev/null ${closed} &)" = ready ] || { echo "no way out to the hosts that it may reach" >&2; exit 125; }`;
}

export async function openBridge(
  scratch: string,
  hosts: readonly string[],
  owner: { uid: number; gid: number },
): Promise<Bridge> {
  const dir = join(scratch, 'bridge');
  mkdirSync(dir);
  chmodSync(dir, 0o755); // whatever the service's umask
  copyFileSync(fileURLToPath(new URL('bridge-process.mjs', import.meta.url)), join(dir, 'bridge.mjs'));
  chmodSync(join(dir, 'bridge.mjs'), 0o644);
  // The path of a socket may have 107 characters, however deep the data lie. It is taken away by that path, too.
  const fd = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const proxy = await openForwardProxy(hosts, { path: `/proc/self/fd/${fd}/socket` });
    if (process.getuid?.() === 0) chownSync(join(dir, 'socket'), owner.uid, owner.gid);
    chmodSync(join(dir, 'socket'), 0o600);
    return {
      dir,
      env: proxyEnvironment(port, hosts),
      async close() {
        await proxy.close();
        closeSync(fd);
      },
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
