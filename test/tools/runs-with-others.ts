import { join } from 'node:path';
import type { Evidence } from '../../src/core/evidence.ts';
import type { Tool, ToolResult } from '../../src/core/tool.ts';
import type { ProgramPlace, ToolServerSettings } from '../../src/core/tool-server.ts';
import { type OtherTools, openOtherTools } from '../../src/tools/other-servers.ts';
import { createToolServers, type Pinned, type ToolServers } from '../../src/tools/tool-servers.ts';
import type { Opened } from './open-sandbox.ts';

const here = import.meta.dirname;
const never = new AbortController().signal;

/** Runs that use tool servers of others, one after the other, and all that they leave. */
export interface RunsWithOthers {
  /** What a run has of these servers. Pins stay from one to the next. */
  run(settings: ToolServerSettings[], and?: { taken?: string[]; session?: string }): Promise<OtherTools>;
  call(tools: OtherTools, name: string, input?: unknown, by?: AbortSignal): Promise<ToolResult>;
  pinned: Map<string, Pinned>;
  told: Map<string, string>;
  evidence: { item: Evidence; content: Uint8Array | undefined }[];
  /** Sandboxes that were opened so far. */
  opens(): number;
  /** Ends all servers; what is pinned stays. */
  end(): Promise<void>;
}

export function createRuns({ driver, dir }: Pick<Opened, 'driver' | 'dir'>): RunsWithOthers {
  const pinned = new Map<string, Pinned>();
  const told = new Map<string, string>();
  const evidence: RunsWithOthers['evidence'] = [];
  let opens = 0;
  const servers: ToolServers = createToolServers({
    driver: {
      open(spec) {
        opens += 1;
        return driver.open(spec);
      },
    },
    pins: {
      load: async (name) => structuredClone(pinned.get(name) ?? null),
      async save(name, list) {
        pinned.set(name, { ...list, offered: null });
        return { ...list, offered: null };
      },
      async differs(name, now) {
        const before = pinned.get(name);
        if (before && before.hash !== now.hash) pinned.set(name, { ...before, offered: now });
      },
    },
  });
  const scope = {
    ...{ report() {}, plan() {}, rating() {}, usage() {}, effect() {} },
    evidence: (item: Evidence, content?: Uint8Array) => void evidence.push({ item, content }),
  };
  return {
    run: (settings, { taken = [], session = 'one' } = {}) =>
      openOtherTools(servers, settings, {
        ...{ session, taken, signal: never },
        workspace: Promise.resolve({ dir, mounts: [{ path: dir, writable: true }], env: { SEEN: 'yes' } }),
        tell: (key, text) => void (told.has(key) || told.set(key, text)),
      }),
    call: (tools, name, input = {}, by = never) => toolOf(tools, name).run(input, { key: 'k', signal: by, scope }),
    ...{ pinned, told, evidence },
    opens: () => opens,
    end: () => servers.close(),
  };
}

/** The unruly server as a program. */
export function program(
  changes: Partial<Omit<ToolServerSettings, 'at'>> & { at?: Partial<ProgramPlace> } = {},
): ToolServerSettings {
  const { at, ...rest } = changes;
  const argv = { command: 'node', args: [join(here, 'unruly-server.ts')], env: {} };
  return {
    ...{ name: 'unruly', tools: ['echo'], write: [], repositories: [], teams: [], secrets: [] },
    ...{ callMs: 20_000, maxBytes: 8_000_000 },
    at: { ...argv, hosts: [], paths: [here], workspace: false, ...at },
    ...rest,
  };
}

export function remote(url: string, changes: Partial<ToolServerSettings> = {}): ToolServerSettings {
  return { ...program(), name: 'remote', at: { url, headers: {} }, ...changes };
}

export function toolOf({ servers: found }: OtherTools, name: string): Tool {
  const all = found.flatMap(({ tools }) => tools);
  const tool = all.find((each) => each.name === name);
  if (!tool) throw new Error(`there is no ${name} among ${all.map((each) => each.name).join(', ')}`);
  return tool;
}

export function from(server: string, text: string): string {
  return `<outside-text from="tool server ${server}">\n${text}\n</outside-text>`;
}
