/** How a client reaches the tickets: by a program that it starts, or the service itself. */
export type Way = { command: string; args: string[] } | { url: string };

export type Entry = Record<string, unknown>;

/** The command of our program, and in the name of its file. */
export const programName = 'shipmate-mcp-tickets';

/** The variable that holds a person's token. No file ever holds the token itself. */
const token = 'SHIPMATE_TOKEN';

/** What our own program reads of the environment, for clients that hand on none of it unasked: who one is, where it is kept. */
const handedOn = ['SHIPMATE_URL', token, 'XDG_CONFIG_HOME', 'XDG_STATE_HOME'];

/** And what Node.js does, to reach a service from an office. */
const network = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'NODE_USE_ENV_PROXY', 'NODE_EXTRA_CA_CERTS'];

/** One that looks up `NAME` in the environment, each in the syntax of its client. */
const bearer = (variable: string) => ({ Authorization: `Bearer ${variable}` });

/** `.mcp.json`, `~/.claude.json`: code.claude.com/docs/en/mcp */
export const claudeEntry = (way: Way): Entry =>
  'url' in way ? { type: 'http', url: way.url, headers: bearer(`\${${token}}`) } : { type: 'stdio', ...way };

/** `mcp.json` of Cursor: cursor.com/docs/mcp */
export const cursorEntry = (way: Way): Entry =>
  'url' in way ? { url: way.url, headers: bearer(`\${env:${token}}`) } : { type: 'stdio', ...way };

/** `mcp.json` of VS Code: code.visualstudio.com/docs/copilot/reference/mcp-configuration */
export const vscodeEntry = (way: Way): Entry =>
  'url' in way ? { type: 'http', url: way.url, headers: bearer(`\${env:${token}}`) } : { type: 'stdio', ...way };

/** `opencode.json`: opencode.ai/docs/mcp-servers. Without `oauth: false` a refused token opens a browser. */
export const opencodeEntry = (way: Way): Entry =>
  'url' in way
    ? { type: 'remote', url: way.url, headers: bearer(`{env:${token}}`), oauth: false }
    : { type: 'local', command: [way.command, ...way.args] };

/** `settings.json` of Gemini CLI: geminicli.com/docs/tools/mcp-server. It hands on what is named, and no names with TOKEN in them else. */
export const geminiEntry = (way: Way): Entry =>
  'url' in way
    ? { httpUrl: way.url, headers: bearer(`\${${token}}`) }
    : { ...way, env: Object.fromEntries(handedOn.map((name) => [name, `\${${name}:-}`])) };

/** `config.toml` of Codex: developers.openai.com/codex/mcp. It hands on what is named. */
export const codexEntry = (way: Way): Entry =>
  'url' in way ? { url: way.url, bearer_token_env_var: token } : { ...way, env_vars: [...handedOn, ...network] };

/** Keys that say how a server is reached; the others (time limits, approvals, variables, whether it is on) are the person's. */
const transport = ['type', 'command', 'args', 'env_vars', 'url', 'httpUrl', 'headers', 'bearer_token_env_var', 'oauth'];

/** Whether it was written by us, in this or another version: it starts our program or reads our variable. */
export function isOurs(entry: Entry): boolean {
  const text = JSON.stringify(entry);
  return text.includes(programName) || text.includes(token);
}

/** Its address; null: none. */
export function urlOf(entry: Entry): string | null {
  const url = entry.url ?? entry.httpUrl;
  return typeof url === 'string' ? url : null;
}

/** `entry` in place of `found`, with what people have set beside it: variables, headers, how they start our program. */
export function withTheirs(found: Entry, entry: Entry): Entry {
  const theirs = Object.fromEntries(Object.entries(found).filter(([key]) => !transport.includes(key)));
  const both: Entry = { ...entry, ...startOf(found, entry), ...theirs };
  for (const key of ['env', 'headers'])
    if (isEntry(found[key]) && isEntry(entry[key]))
      both[key] = key === 'env' ? { ...entry[key], ...found[key] } : { ...found[key], ...entry[key] };
  return both;
}

/** As they wrote it, save the path of the file where we write one: it moves with each installation. */
function startOf(found: Entry, entry: Entry): Entry {
  const [there, wanted] = [wordsOf(found), wordsOf(entry)];
  const at = there.findIndex((word) => word.includes(programName));
  if (at < 0 || wanted.length === 0) return {};
  const words = wanted.length === 2 && at === 1 ? [...there.slice(0, 1), wanted[1], ...there.slice(2)] : there;
  return Array.isArray(entry.command) ? { command: words } : { command: words[0], args: words.slice(1) };
}

/** Of the command line; none for a service. */
function wordsOf({ command, args }: Entry): string[] {
  return [command, args].flat().filter((word) => typeof word === 'string');
}

export function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
