import { parse } from 'smol-toml';

/** A server as a README tells people to write it for one client. */
export interface Configuration {
  /** The file, or the command, that it is written in. */
  where: string;
  name: string;
  command: string;
  args: string[];
  /** As it stands there, with the client's own way to name a variable. */
  env: Record<string, string>;
  /** Names of variables that the client hands on. */
  handedOn: string[];
}

type Entry = Partial<Pick<Configuration, 'command' | 'args' | 'env'>> & { type?: string; env_vars?: string[] };

const formats: Record<string, (text: string) => Record<string, Entry>> = {
  '.mcp.json': (text) => JSON.parse(text).mcpServers,
  '.cursor/mcp.json': (text) => JSON.parse(text).mcpServers,
  '.vscode/mcp.json': (text) => JSON.parse(text).servers,
  '~/.codex/config.toml': (text) => parse(text).mcp_servers as Record<string, Entry>,
};

/** Every place where each README says how its server is started. */
export const places = ['claude mcp add', ...Object.keys(formats), 'codex mcp add'];

/** All of them that start a program, in the order of `places`. */
export function readConfigurations(readme: string): Configuration[] {
  const found = [...readme.matchAll(/`([^`\n]+)`[^`\n]*:\n\n```(?:json|toml)\n([^`]*)```/g)].flatMap(
    ([, where = '', text = '']) => Object.entries(formats[where]?.(text) ?? {}).map((entry) => ({ where, entry })),
  );
  const files = found.flatMap(({ where, entry: [name, { command, args = [], env = {}, env_vars = [] }] }) =>
    command === undefined ? [] : [{ where, name, command, args, env, handedOn: env_vars }],
  );
  const typed = [...readme.matchAll(/^ {4}((?:claude|codex) mcp add) (\S+) -- (\S+)(.*)$/gm)].map(
    ([, where = '', name = '', command = '', rest = '']) => {
      const args = rest.split(' ').filter(Boolean);
      return { where, name, command, args, env: {}, handedOn: [] };
    },
  );
  return [...files, ...typed].sort((a, b) => places.indexOf(a.where) - places.indexOf(b.where));
}

export interface Person {
  /** What they have open, and where their terminal is. */
  directory: string;
  /** Their environment, of which a client hands on what it is told to. */
  env: Record<string, string>;
  /** What they write where a README writes an example. */
  instead: Record<string, string>;
}

/** As the client starts it for that person; `PATH` and `HOME` it hands on unasked. */
export function startedBy(person: Person, { command, args, env, handedOn }: Configuration) {
  const own = (text: string) =>
    Object.entries(person.instead)
      .reduce((written, [example, value]) => written.replaceAll(example, value), text)
      .replaceAll(/\$\{workspaceFolder\}/g, person.directory)
      .replaceAll(/\$\{(?:env:)?([A-Z_]+)\}/g, (whole, name: string) => person.env[name] ?? whole);
  const names = ['PATH', 'HOME', ...handedOn].filter((name) => name in person.env);
  return {
    command,
    args: args.map(own),
    cwd: person.directory,
    env: {
      ...Object.fromEntries(names.map((name) => [name, person.env[name] ?? ''])),
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, own(value)])),
    },
  };
}

/** The rows of a README's table of tools: name, and arguments with `?` after what may be left out. */
export function readToolTable(readme: string): Record<string, string[]> {
  const [, table = ''] = /\n\| Tool .*\n\|[- |]+\n((?:\|.*\n)+)/.exec(readme) ?? [];
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim()));
  return Object.fromEntries(
    rows.map(([, tool = '', given = '']) => [
      tool.replaceAll('`', ''),
      [...given.matchAll(/`(\w+\??)`/g)].map(([, argument = '']) => argument).sort(),
    ]),
  );
}
