import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ClientName, clientNames, clients, type Home } from '../../../mcp-servers/tickets/commands/clients.ts';
import { type Entry, urlOf, type Way } from '../../../mcp-servers/tickets/commands/server-entry.ts';
import { planCommandFile } from './command-file.ts';
import { planJsonConfig } from './json-config.ts';
import type { Standing } from './standing.ts';
import { planTomlConfig } from './toml-config.ts';

/** The name of the server in every client's configuration; the instructions name it. */
const name = 'shipmate';

export interface Place {
  /** The repository; null: for the person, wherever they work. */
  dir: string | null;
  home: Home;
}

export interface Wish extends Place {
  version: string;
  /** Where the service's MCP endpoint is; null: as it is there, else a program on this machine. */
  url: string | null;
  /** That program. */
  program: { command: string; args: string[] };
}

export interface Planned extends Standing {
  path: string;
  /** Of the clients that read it. */
  titles: string[];
}

/** Those whose files are in the repository or in the person's home. */
export function clientsInUse({ dir, home }: Place): ClientName[] {
  return clientNames.filter((one) => {
    const { inRepository, ofPerson } = clients[one];
    const here = dir === null ? [] : inRepository.traces.map((trace) => resolve(dir, trace));
    return [...here, ...ofPerson(home).traces].some((path) => existsSync(path));
  });
}

/** Every file that these clients need, each once, and how it stands. Writes nothing. */
export async function planInstall(names: readonly ClientName[], wish: Wish): Promise<Planned[]> {
  const planned = new Map<string, Planned>();
  const add = async (path: string, title: string, plan: (found: string | null) => Standing) => {
    const there = planned.get(path);
    if (there) return there.titles.push(title);
    return planned.set(path, { path, titles: [title], ...(await standing(path, plan)) });
  };
  for (const one of names) {
    const client = clients[one];
    const { title, format, section, start = {} } = client;
    const files = wish.dir === null ? client.ofPerson(wish.home) : client.inRepository;
    const at = (file: string) => (wish.dir === null ? file : resolve(wish.dir, file));
    await add(at(files.command), title, (found) => planCommandFile(found, client.commandFile(wish.version)));
    const entryFor = (there: Entry | null) => client.entry(wayOf(wish, there));
    // opencode reads either name.
    const config = [at(files.config), at(`${files.config}c`)].find(existsSync) ?? at(files.config);
    await add(config, title, (found) =>
      format === 'json'
        ? planJsonConfig(found, { section, name, start }, entryFor)
        : planTomlConfig(found, { section, name, version: wish.version }, entryFor),
    );
  }
  return [...planned.values()];
}

/** Run again without an address, the one that is there stays. */
function wayOf({ url, program }: Wish, there: Entry | null): Way {
  const known = url ?? (there === null ? null : urlOf(there));
  return known === null ? program : { url: known };
}

async function standing(path: string, plan: (found: string | null) => Standing): Promise<Standing> {
  try {
    const found = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    return plan(found);
  } catch (error) {
    return { is: 'broken', text: null, why: `cannot be read: ${(error as Error).message}` };
  }
}
