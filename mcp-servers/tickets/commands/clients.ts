import { geminiCommand, skillFile } from './command-files.ts';
import {
  claudeEntry,
  codexEntry,
  cursorEntry,
  type Entry,
  geminiEntry,
  opencodeEntry,
  vscodeEntry,
  type Way,
} from './server-entry.ts';

export const clientNames = ['claude', 'codex', 'cursor', 'vscode', 'opencode', 'gemini'] as const;
export type ClientName = (typeof clientNames)[number];

/** Where a person's files lie; `null`: nobody has set it. */
export interface Home {
  home: string;
  platform: NodeJS.Platform;
  /** `XDG_CONFIG_HOME`, `CODEX_HOME`, `CLAUDE_CONFIG_DIR`. */
  config: string | null;
  codex: string | null;
  claude: string | null;
}

export interface ClientFiles {
  command: string;
  config: string;
  /** Any of them: the client is in use here. */
  traces: string[];
}

/** What one client reads, where, and in which form. Paths are relative to the repository, or absolute for a person. */
export interface Client {
  title: string;
  /** What the person types. */
  typed: string;
  commandFile(version: string): string;
  format: 'json' | 'toml';
  /** Where in its configuration servers stand. */
  section: string;
  /** What a configuration of its own begins with. */
  start?: Entry;
  entry(way: Way): Entry;
  inRepository: ClientFiles;
  ofPerson(home: Home): ClientFiles;
}

const skill = 'make-ticket/SKILL.md';
/** Read by Codex, Cursor, opencode and VS Code alike. */
const shared = `.agents/skills/${skill}`;

const configOf = ({ config, home }: Home) => config ?? `${home}/.config`;

export const clients: Record<ClientName, Client> = {
  claude: {
    title: 'Claude Code',
    typed: '/make-ticket',
    commandFile: skillFile,
    format: 'json',
    section: 'mcpServers',
    entry: claudeEntry,
    inRepository: {
      command: `.claude/skills/${skill}`,
      config: '.mcp.json',
      traces: ['.claude', '.mcp.json', 'CLAUDE.md'],
    },
    ofPerson({ home, claude }) {
      const config = claude === null ? `${home}/.claude.json` : `${claude}/.claude.json`;
      const dir = claude ?? `${home}/.claude`;
      return { command: `${dir}/skills/${skill}`, config, traces: [dir, config] };
    },
  },
  codex: {
    title: 'Codex',
    typed: '$make-ticket',
    commandFile: skillFile,
    format: 'toml',
    section: 'mcp_servers',
    entry: codexEntry,
    inRepository: { command: shared, config: '.codex/config.toml', traces: ['.codex'] },
    ofPerson({ home, codex }) {
      const dir = codex ?? `${home}/.codex`;
      return { command: `${home}/${shared}`, config: `${dir}/config.toml`, traces: [dir] };
    },
  },
  cursor: {
    title: 'Cursor',
    typed: '/make-ticket',
    commandFile: skillFile,
    format: 'json',
    section: 'mcpServers',
    entry: cursorEntry,
    inRepository: { command: shared, config: '.cursor/mcp.json', traces: ['.cursor', '.cursorrules'] },
    ofPerson: ({ home }) => ({
      command: `${home}/${shared}`,
      config: `${home}/.cursor/mcp.json`,
      traces: [`${home}/.cursor`],
    }),
  },
  vscode: {
    title: 'VS Code',
    typed: '/make-ticket',
    commandFile: skillFile,
    format: 'json',
    section: 'servers',
    entry: vscodeEntry,
    inRepository: { command: shared, config: '.vscode/mcp.json', traces: ['.vscode'] },
    ofPerson(person) {
      const { home, platform } = person;
      const own: Partial<Record<NodeJS.Platform, string>> = {
        darwin: 'Library/Application Support',
        win32: 'AppData/Roaming',
      };
      const base = own[platform] === undefined ? configOf(person) : `${home}/${own[platform]}`;
      return { command: `${home}/${shared}`, config: `${base}/Code/User/mcp.json`, traces: [`${base}/Code`] };
    },
  },
  opencode: {
    title: 'opencode',
    typed: '/make-ticket',
    commandFile: skillFile,
    format: 'json',
    section: 'mcp',
    start: { $schema: 'https://opencode.ai/config.json' },
    entry: opencodeEntry,
    inRepository: {
      command: shared,
      config: 'opencode.json',
      traces: ['opencode.json', 'opencode.jsonc', '.opencode'],
    },
    ofPerson(person) {
      const dir = `${configOf(person)}/opencode`;
      return { command: `${person.home}/${shared}`, config: `${dir}/opencode.json`, traces: [dir] };
    },
  },
  gemini: {
    title: 'Gemini CLI',
    typed: '/make-ticket',
    commandFile: geminiCommand,
    format: 'json',
    section: 'mcpServers',
    entry: geminiEntry,
    inRepository: {
      command: '.gemini/commands/make-ticket.toml',
      config: '.gemini/settings.json',
      traces: ['.gemini', 'GEMINI.md'],
    },
    ofPerson: ({ home }) => ({
      command: `${home}/.gemini/commands/make-ticket.toml`,
      config: `${home}/.gemini/settings.json`,
      traces: [`${home}/.gemini`],
    }),
  },
};
