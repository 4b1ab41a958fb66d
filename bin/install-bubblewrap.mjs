// Plain JavaScript for Node.js 18 and newer.
import { spawn } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Sees to it that bubblewrap is there: `'present'`, `'installed'`, or `{ missing: reason }`. Installs it only as root, with
 * apt-get, and where `SHIPMATE_NO_INSTALL` is unset, and announces that first. Never throws.
 */
export async function ensureBubblewrap({ env, log }) {
  try {
    if (find('bwrap')) return 'present';
    if (process.platform !== 'linux') return { missing: `bubblewrap is for Linux; this is ${process.platform}.` };
    if (env.SHIPMATE_NO_INSTALL) return { missing: 'bubblewrap is not installed, and SHIPMATE_NO_INSTALL is set.' };
    const apt = find('apt-get');
    if (!apt) return { missing: 'bubblewrap is not installed. Install it with the package manager of this system.' };
    if (process.getuid() !== 0) return { missing: 'bubblewrap is not installed. Run: sudo apt-get install bubblewrap' };

    log('shipmate: installing bubblewrap, the sandbox, with apt-get (SHIPMATE_NO_INSTALL=1 keeps it from doing so).');
    // An update that fails in part (a source that is down) may still have found the package.
    await run(apt, ['update', '--quiet'], env);
    const { code, said } = await run(
      apt,
      ['install', '--yes', '--quiet', '--no-install-recommends', 'bubblewrap'],
      env,
    );
    if (code === 0 && find('bwrap')) return 'installed';
    return { missing: `apt-get could not install bubblewrap (exit code ${code}): ${lastLine(said)}` };
  } catch (error) {
    return { missing: `bubblewrap could not be installed: ${error instanceof Error ? error.message : error}` };
  }
}

function find(program) {
  return searchPath
    .split(':')
    .map((dir) => `${dir}/${program}`)
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function run(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      // Proxies are set in the environment.
      env: { ...env, PATH: searchPath, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 180_000,
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (said = `${said}${chunk}`.slice(-4000)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
}

function lastLine(text) {
  return text.trim().split('\n').at(-1) || 'it said nothing';
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const log = (line) => process.stderr.write(`${line}\n`);
  const result = await ensureBubblewrap({ env: process.env, log });
  if (typeof result === 'object') {
    log(`shipmate: ${result.missing}`);
    process.exitCode = 1;
  } else log(`shipmate: bubblewrap is ${result}.`);
}
