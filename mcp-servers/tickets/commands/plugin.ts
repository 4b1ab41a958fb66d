import { description, geminiCommand, skillFile } from './command-files.ts';
import { claudeEntry, codexEntry, geminiEntry, programName } from './server-entry.ts';

const program = { command: programName, args: [] };
const about = 'Make tickets of what comes up while you code, without leaving it.';

/**
 * One folder that Claude Code takes for a plugin, Codex for another and Gemini CLI for an extension: its files by path. The server
 * runs on the person's machine, because it reads their clone and keeps what cannot be sent.
 */
export function pluginFiles(version: string, license: string): Record<string, string> {
  const plugin = { name: 'shipmate', version, description: about, license: 'MIT', author: { name: 'Shipmate' } };
  return {
    '.claude-plugin/plugin.json': json(plugin),
    '.claude-plugin/marketplace.json': json({
      name: 'shipmate',
      description: about,
      owner: { name: 'Shipmate' },
      plugins: [{ name: 'shipmate', source: './', description: about }],
    }),
    '.codex-plugin/plugin.json': json({ ...plugin, skills: './skills/', mcpServers: './codex-mcp.json' }),
    '.agents/plugins/marketplace.json': json({
      name: 'shipmate',
      plugins: [
        {
          name: 'shipmate',
          source: { source: 'local', path: './' },
          policy: { installation: 'AVAILABLE', authentication: 'ON_INSTALL' },
          category: 'Productivity',
        },
      ],
    }),
    'gemini-extension.json': json({
      name: 'shipmate',
      version,
      description: about,
      mcpServers: { shipmate: geminiEntry(program) },
    }),
    '.mcp.json': json({ mcpServers: { shipmate: claudeEntry(program) } }),
    'codex-mcp.json': json({ mcpServers: { shipmate: codexEntry(program) } }),
    'skills/make-ticket/SKILL.md': skillFile(version),
    'commands/make-ticket.toml': geminiCommand(version),
    'README.md': readme,
    LICENSE: license,
  };
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

const readme = `# Shipmate for coding agents

${about} One folder for three: a plugin for Claude Code, a plugin for Codex, an extension for Gemini CLI. \`/make-ticket "API
returns inconsistent date formats"\` gathers files, lines, errors and how to reproduce it from your conversation and your clone,
looks for duplicates, files the ticket in your team's tracker and prints its URL; with \`--assign\` Shipmate begins to work on it at once.

It needs the command \`shipmate-mcp-tickets\` on your PATH, which comes with Shipmate, and a Shipmate service: \`shipmate login URL\`
tells it where yours is.

| Client | Install | Type |
| --- | --- | --- |
| Claude Code | \`claude plugin marketplace add DIR\`, \`claude plugin install shipmate@shipmate\` | \`/make-ticket\` |
| Codex | \`codex plugin marketplace add DIR\`, \`codex plugin add shipmate@shipmate\` | \`$shipmate:make-ticket\` |
| Gemini CLI | \`gemini extensions install DIR\` | \`/make-ticket\` |

DIR is this folder. For other editors, or without a plugin: \`shipmate install-commands\`.

What is here is generated from \`../make-ticket.md\` by \`npm run plugin\`. The skill: ${description}
`;
