import { chmod, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { writePrivately } from './private-file.ts';
import { endpointOf, serviceOf } from './service-url.ts';

/** Where a person's service is, and who they are to it. `url`: of the service itself, without `/mcp`. */
export interface Settings {
  url: string;
  token: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const settingsSchema = z.object({
  // One name for each service, however it was written: what is kept is kept for that name.
  url: z.string().transform((url, context) => {
    try {
      return serviceOf(endpointOf(url));
    } catch (error) {
      context.addIssue((error as Error).message);
      return z.NEVER;
    }
  }),
  // All that a header takes: where it refuses something, it repeats it.
  token: z
    .string()
    .trim()
    .regex(/^[\x21-\x7e]+$/, 'is no token: one is a single line such as shp_..., without spaces. Copy it anew.'),
});

/** What is wrong with a token, in words that do not have it; null: nothing. */
export function faultOfToken(token: string): string | null {
  return settingsSchema.shape.token.safeParse(token).error?.issues[0]?.message ?? null;
}

/**
 * `SHIPMATE_URL` and `SHIPMATE_TOKEN`, else what `shipmate login` wrote; null: neither. Throws where half of it is missing or
 * the file is broken: nobody should take that for "not logged in". The message never has the token.
 */
export async function readSettings(env: Environment): Promise<Settings | null> {
  const { SHIPMATE_URL: url, SHIPMATE_TOKEN: token } = env;
  if (url || token) {
    if (!url || !token)
      throw new Error(
        `${url ? 'SHIPMATE_TOKEN' : 'SHIPMATE_URL'} is not set, but ${url ? 'SHIPMATE_URL' : 'SHIPMATE_TOKEN'} is. Set both, or neither.`,
      );
    const read = settingsSchema.safeParse({ url, token });
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    throw new Error(issue?.path[0] === 'token' ? `SHIPMATE_TOKEN ${issue.message}` : `SHIPMATE_URL: ${issue?.message}`);
  }
  const path = settingsFile(env);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw new Error(
      `${path} cannot be read: ${error.message}. Give it to yourself, or log in anew: shipmate login URL`,
    );
  });
  if (text === null) return null;
  const read = settingsSchema.safeParse(parse(text));
  if (!read.success)
    throw new Error(
      `${path} is broken: it does not hold the address of a service and a token. Log in anew: shipmate login URL`,
    );
  return read.data;
}

/** null: logged out. Answers where it lies. */
export async function writeSettings(env: Environment, settings: Settings | null): Promise<string> {
  const path = settingsFile(env);
  if (settings === null) await rm(path, { force: true });
  else {
    await writePrivately(path, `${JSON.stringify(settingsSchema.parse(settings), null, 2)}\n`);
    await chmod(dirname(path), 0o700);
  }
  return path;
}

export function settingsFile(env: Environment): string {
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'shipmate', 'client.json');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
