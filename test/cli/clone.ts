import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createProgram, type Surroundings } from '../../src/cli/program.ts';
import { compileCache } from '../support/compile-cache.ts';
import type { TestService } from '../support/service.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../src/main.ts');

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command line beside a service that runs, and clones of its repository. */
export interface CommandLine {
  /** In this process. */
  shipmate(cwd: string, ...args: string[]): Promise<Said>;
  /** In a process of its own, which may be killed at a failpoint. Resolves with its exit code, or the signal. */
  started(cwd: string, failpoints: string | null, ...args: string[]): Promise<number | NodeJS.Signals | null>;
  clone(name: string, ...options: string[]): Promise<string>;
  git(dir: string, ...args: string[]): Promise<string>;
}

export async function commandLineOf(service: TestService): Promise<CommandLine> {
  const { dir, repository, database } = service;
  const config = join(dir, 'shipmate.yaml');
  await writeFile(config, `dataDir: data\nrepositories:\n  upstream:\n    path: ${repository}\n`);
  const env = { PATH: process.env.PATH, HOME: dir, DATABASE_URL: database.url };
  const git = async (at: string, ...args: string[]) => {
    const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
    return (await run('git', ['-C', at, ...who, ...args], { env, maxBuffer: 1e8 })).stdout.trimEnd();
  };
  return {
    git,
    async shipmate(cwd, ...args) {
      const said = { stdout: '', stderr: '' };
      const into = (name: 'stdout' | 'stderr') =>
        ({
          write: (text: string) => {
            said[name] += text;
            return true;
          },
        }) as NodeJS.WriteStream;
      const surroundings: Surroundings = { cwd, env, stdout: into('stdout'), stderr: into('stderr') };
      const code = await createProgram(surroundings).run(['--config', config, ...args]);
      return { code, ...said };
    },
    async started(cwd, failpoints, ...args) {
      const child = spawn(process.execPath, [main, '--config', config, ...args], {
        cwd,
        env: {
          ...env,
          NODE_COMPILE_CACHE: compileCache,
          ...(failpoints !== null && { SHIPMATE_FAILPOINTS: failpoints }),
        },
        stdio: 'ignore',
      });
      const [code, signal] = await once(child, 'close');
      return signal ?? code;
    },
    async clone(name, ...options) {
      const at = join(dir, name);
      await git(dir, 'clone', '--quiet', ...options, repository, at);
      return at;
    },
  };
}
