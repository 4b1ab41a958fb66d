/** How a client reaches the tickets: by a program that it starts, or the service itself. */
export type Way = { command: string; args: string[] } | { url: string };

export type Entry = Record<string, unknown>;

/** The variable that holds a person's token. No file ever holds the token itself. */
const token = 'SHIPMATE_TOKEN';

/** What our own program reads of the environment, for clients that hand on none of it unasked. */
const handedOn = ['SHIPMATE_URL', token, 'XDG_CONFIG_HOME'];

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
  'url' in way ? { url: way.url, bearer_token_env_var: token } : { ...way, env_vars: handedOn };

/** Keys that say how a server is reached; the others (time limits, approvals, variables, whether it is on) are the person's. */
const transport = ['type', 'command', 'args', 'env_vars', 'url', 'httpUrl', 'headers', 'bearer_token_env_var', 'oauth'];

/** Whether it was written by us, in this or another version: it starts our program or reads our variable. */
export function isOurs(entry: Entry): boolean {
  const text = JSON.stringify(entry);
  return text.includes('shipmate-mcp-tickets') || text.includes(token);
}

/** Its address; null: none. */
export function urlOf(entry: Entry): string | null {
  const url = entry.url ?? entry.httpUrl;
  return typeof url === 'string' ? url : null;
}

/** `entry` in place of `found`, with what people have set beside it. */
export function withTheirs(found: Entry, entry: Entry): Entry {
  const theirs = Object.fromEntries(Object.entries(found).filter(([key]) => !transport.includes(key)));
  const both = { ...entry, ...theirs };
  return 'env' in both ? { ...both, env: { ...(entry.env as Entry), ...(theirs.env as Entry) } } : both;
}
