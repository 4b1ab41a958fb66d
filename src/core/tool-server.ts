import { diffLines } from './text-difference.ts';
import type { ToolSpec } from './tool.ts';

/** A tool as its server lists it. */
export interface ListedTool extends ToolSpec {
  /** It says of itself that it changes something. That it says the opposite, or nothing, is no reason to believe it. */
  changes?: boolean;
}

/** A server's tools as they were when it was first seen, or as people accepted them. */
export interface PinnedTools {
  version: string;
  hash: string;
  tools: ListedTool[];
}

/** A tool server of others, as shipmate.yaml names it. */
export interface ToolServerSettings {
  name: string;
  at: ProgramPlace | UrlPlace;
  /** Tools that only look, and those that may change something, by the server's names; no others are offered. */
  tools: string[];
  write: string[];
  /** Only for work on these, and on tickets of these; empty: for all. */
  repositories: string[];
  teams: string[];
  callMs: number;
  maxBytes: number;
  /** Values that it was given and that must not come back. */
  secrets: string[];
}

/** A program, started in a sandbox of its own. */
export interface ProgramPlace {
  command: string;
  args: string[];
  env: Record<string, string>;
  hosts: string[];
  /** Of this machine, to read. */
  paths: string[];
  /** Whether it sees the session's files, to read. */
  workspace: boolean;
}

export interface UrlPlace {
  url: string;
  headers: Record<string, string>;
}

/** Those that are for work on a ticket of this team in this repository. */
export function serversFor(
  servers: readonly ToolServerSettings[],
  { repository, team }: { repository: string; team: string | null },
): ToolServerSettings[] {
  const same = (name: string) => name.toLowerCase() === team?.toLowerCase();
  return servers.filter(
    ({ repositories, teams }) =>
      (repositories.length === 0 || repositories.includes(repository)) && (teams.length === 0 || teams.some(same)),
  );
}

/** What is wrong with a server's tools by what shipmate.yaml says of them, for people. */
export function judgeLists(
  { name, tools, write }: Pick<ToolServerSettings, 'name' | 'tools' | 'write'>,
  listed: readonly ListedTool[],
): string[] {
  const has = (tool: string) => listed.find((each) => each.name === tool);
  const absent = [...tools, ...write].filter((tool) => !has(tool));
  const doubted = tools.filter((tool) => has(tool)?.changes && !write.includes(tool));
  return [
    ...(tools.length + write.length === 0 ? [`toolServers.${name} lists no tool, so none is offered.`] : []),
    ...absent.map((tool) => `toolServers.${name} lists "${tool}", which it does not have.`),
    ...doubted.map(
      (tool) =>
        `toolServers.${name}.tools lists "${tool}", which says of itself that it changes something: it is left out. List it under write if it may.`,
    ),
  ];
}

/** How a list became another, as text for people who are to accept it. '' where nothing of it changed. */
export function compareTools(before: readonly ListedTool[], after: readonly ListedTool[]): string {
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort();
  return names
    .flatMap((name) => {
      const [old, now] = [before, after].map((list) =>
        list
          .filter((tool) => tool.name === name)
          .map(write)
          .join('\n'),
      );
      const difference = diffLines(old ?? '', now ?? '');
      if (difference === '') return [];
      const what = old === '' ? 'new' : now === '' ? 'gone' : 'changed';
      return [`${name} (${what})\n${difference}`];
    })
    .join('\n\n');
}

function write({ description, inputSchema, changes }: ListedTool): string {
  return [
    `changes something, as it says: ${changes ? 'yes' : 'no'}`,
    description,
    JSON.stringify(inputSchema, null, 2),
  ].join('\n');
}
