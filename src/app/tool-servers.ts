import { compareTools, judgeLists, type ListedTool, type ToolServerSettings } from '../core/tool-server.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import type { Database } from '../store/database.ts';
import {
  acceptTools,
  listToolServers,
  noteToolServer,
  pinToolServer,
  readToolServer,
  type ToolServerRow,
} from '../store/tool-servers.ts';
import { serverOf } from '../tools/other-servers.ts';
import { createToolServers, type ToolServersOptions } from '../tools/tool-servers.ts';

/** A tool server of others, to look at. */
export interface ToolServerView {
  name: string;
  /** Its program or its address. */
  where: string;
  /** null: it was never used. */
  version: string | null;
  /** Since when its tools are pinned. */
  since: Date | null;
  seenVersion: string | null;
  /** What it lists in place of what is pinned, as text; null: nothing, it is on. */
  difference: string | null;
  tools: ListedTool[];
  /** What is wrong with what shipmate.yaml says of its tools. */
  problems: string[];
}

/** What people who run the service do with tool servers of others. */
export interface OtherServers {
  list(): Promise<ToolServerView[]>;
  /**
   * Starts a server and looks: pins what it lists where nothing is pinned, switches it off where it lists something else, and
   * on again where it is as it was. null: there is none of this name. Throws when it does not come up.
   */
  check(name: string, signal: AbortSignal): Promise<ToolServerView | null>;
  /** Takes what a view showed. False: it changed since. */
  accept(shown: ToolServerView): Promise<boolean>;
}

export interface OtherServersDeps {
  db: Database;
  driver: Pick<SandboxDriver, 'open'>;
  settings: readonly ToolServerSettings[];
}

/** Pins that all processes share. */
export function pinsIn(db: Database): ToolServersOptions['pins'] {
  return {
    load: (name) => readToolServer(db, name),
    save: (name, pinned) => pinToolServer(db, name, pinned),
    differs: (name, now) => noteToolServer(db, name, now),
  };
}

export function createOtherServers({ db, driver, settings }: OtherServersDeps): OtherServers {
  const shown = new WeakMap<ToolServerView, ToolServerRow>();

  function view(each: ToolServerSettings, row: ToolServerRow | null): ToolServerView {
    const { name, at } = each;
    const tools = (row?.offered ?? row)?.tools ?? [];
    const seen: ToolServerView = {
      name,
      where: 'url' in at ? at.url : [at.command, ...at.args].join(' '),
      version: row?.version ?? null,
      since: row?.pinnedAt ?? null,
      seenVersion: row?.offered?.version ?? row?.seenVersion ?? null,
      difference: row?.offered ? compareTools(row.tools, row.offered.tools) : null,
      tools,
      problems: row ? judgeLists(each, tools) : [],
    };
    if (row) shown.set(seen, row);
    return seen;
  }

  return {
    async list() {
      const rows = new Map((await listToolServers(db)).map((row) => [row.name, row]));
      return settings.map((each) => view(each, rows.get(each.name) ?? null));
    },
    async check(name, signal) {
      const found = settings.find((each) => each.name === name);
      if (!found) return null;
      const servers = createToolServers({ driver, pins: pinsIn(db) });
      try {
        const now = await servers.look(serverOf(found, null), signal);
        const row = await pinToolServer(db, name, now);
        if (row.hash !== now.hash) await noteToolServer(db, name, now);
        else if (row.offered || row.version !== now.version) await acceptTools(db, row, now);
        return view(found, await readToolServer(db, name));
      } finally {
        await servers.close();
      }
    },
    async accept(seen) {
      const row = shown.get(seen);
      return row?.offered ? acceptTools(db, row, row.offered) : false;
    },
  };
}
